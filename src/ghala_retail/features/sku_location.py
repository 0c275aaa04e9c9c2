"""Features of a SKU in a location: what it sold there, and what was left on the shelf."""

from ghala.features.definitions import FeatureView, Window, days_since, ratio

sku_location = FeatureView(
    name="sku_location",
    entity=("sku", "location_id"),
    source="core.order_lines",
    event_time="ordered_on",
    known_on="known_on",
    superseded_on="superseded_on",
    ttl_days=365,
    online=True,
    description="What a SKU sold in a location. Money is in the company's currency, with VAT.",
    owner="Operations",
    windows=(
        *(
            Window(f"units_{n}d", "sum", "units", n,
                   description=f"Units sold over the last {n} days.")
            for n in (1, 7, 14, 28, 91, 182, 365)
        ),
        *(
            Window(f"days_sold_{n}d", "distinct", "ordered_on", n, where="units > 0",
                   description=f"Days of the last {n} on which it sold.")
            for n in (7, 28, 91)
        ),
        *(
            Window(f"spend_{n}d", "sum", "revenue", n,
                   description=f"Money paid over the last {n} days.")
            for n in (7, 28, 91)
        ),
        Window("largest_line_91d", "max", "units", 91,
               description="Units of the largest line of the last 91 days."),
        Window("last_sold_on", "max", "ordered_on", 365, where="units > 0",
               description="The newest day on which it sold."),
        Window("last_price", "last", "CAST(unit_price AS DOUBLE PRECISION)", 365,
               description="The list price of the newest line, with VAT."),
    ),
    derived=(
        days_since("days_since_sale", "last_sold_on"),
        ratio("price_28d", "spend_28d", "units_28d", description="Money per unit, 28 days."),
        ratio("units_trend", "units_28d", "units_91d",
              description="Share of the last 91 days' units that were sold in the last 28."),
    ),
)  # fmt: skip

sku_location_stock = FeatureView(
    name="sku_location_stock",
    entity=("sku", "location_id"),
    source="core.stock_days",
    event_time="day",
    known_on="known_on",
    superseded_on="superseded_on",
    online=True,
    description="How the stock of a SKU in a location moved, on the days on which it did.",
    owner="Operations",
    windows=(
        Window("closing", "last", "closing", 365, description="Units after the newest movement."),
        *(
            Window(f"emptied_{n}d", "count", "day", n, where="is_stockout",
                   description=f"Days of the last {n} on which the stock moved and ended empty.")
            for n in (7, 28, 91)
        ),
        *(
            Window(f"received_{n}d", "sum", "received", n,
                   description=f"Units received over the last {n} days.")
            for n in (7, 28, 91)
        ),
        Window("last_moved_on", "max", "day", 365, description="The day of the newest movement."),
    ),
    derived=(days_since("days_since_movement", "last_moved_on"),),
)  # fmt: skip
