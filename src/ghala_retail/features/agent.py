"""Features of sales agents: what they sell, to how many, and since when not."""

from ghala.features.definitions import FeatureView, Window, days_since, ratio

_SOLD = "NOT is_cancelled"

agent = FeatureView(
    name="agent",
    entity=("agent_id",),
    source="core.order_lines",
    event_time="ordered_on",
    known_on="known_on",
    superseded_on="superseded_on",
    ttl_days=365,
    online=True,
    description="What came through an agent. Money is in the company's currency, with VAT.",
    owner="Marketing",
    windows=(
        *(
            Window(f"orders_{n}d", "distinct", "order_id", n, where=_SOLD,
                   description=f"Orders of the last {n} days that were not cancelled.")
            for n in (7, 28, 91)
        ),
        *(
            Window(f"customers_{n}d", "distinct", "customer_id", n, where=_SOLD,
                   description=f"Customers who ordered in the last {n} days.")
            for n in (7, 28, 91)
        ),
        *(
            Window(f"spend_{n}d", "sum", "revenue", n,
                   description=f"Money paid over the last {n} days.")
            for n in (7, 28, 91, 365)
        ),
        *(
            Window(f"skus_{n}d", "distinct", "sku", n, where=_SOLD,
                   description=f"Different SKUs sold over the last {n} days.")
            for n in (28, 91)
        ),
        Window("cancelled_orders_91d", "distinct", "order_id", 91, where="is_cancelled",
               description="Orders of the last 91 days that were cancelled."),
        Window("last_order_on", "max", "ordered_on", 365, where=_SOLD,
               description="The day of the newest order."),
        Window("last_location_id", "last", "location_id", 365,
               description="The location that served the newest order."),
    ),
    derived=(
        days_since("days_since_order", "last_order_on"),
        ratio("spend_per_customer_28d", "spend_28d", "customers_28d",
              description="Money per customer over the last 28 days."),
        ratio("spend_trend", "spend_28d", "spend_91d",
              description="Share of the last 91 days' money that came in the last 28."),
    ),
)  # fmt: skip
