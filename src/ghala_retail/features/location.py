"""Features of stores and depots: what they sold, for whom, and the work it took."""

from ghala.features.definitions import FeatureView, Window, ratio

_SOLD = "NOT is_cancelled"

location = FeatureView(
    name="location",
    entity=("location_id",),
    source="core.order_lines",
    event_time="ordered_on",
    known_on="known_on",
    superseded_on="superseded_on",
    online=True,
    description="What a location sold. Money is in the company's currency, with VAT.",
    owner="Operations",
    windows=(
        *(
            Window(f"lines_{n}d", "count", "line", n, where=_SOLD,
                   description=f"Order lines of the last {n} days.")
            for n in (1, 7, 28, 365)
        ),
        *(
            Window(f"units_{n}d", "sum", "units", n,
                   description=f"Units sold over the last {n} days.")
            for n in (1, 7, 28, 365)
        ),
        *(
            Window(f"spend_{n}d", "sum", "revenue", n,
                   description=f"Money paid over the last {n} days.")
            for n in (1, 7, 28, 365)
        ),
        Window("customers_28d", "distinct", "customer_id", 28, where=_SOLD,
               description="Customers who ordered in the last 28 days."),
        Window("skus_28d", "distinct", "sku", 28, where=_SOLD,
               description="Different SKUs sold over the last 28 days."),
    ),
    derived=(
        ratio("units_per_line_28d", "units_28d", "lines_28d",
              description="Units per order line over the last 28 days."),
        ratio("week_share", "units_7d", "units_28d",
              description="Share of the last 28 days' units that were sold in the last 7."),
    ),
)  # fmt: skip

location_work = FeatureView(
    name="location_work",
    entity=("location_id",),
    source="core.tasks",
    event_time="day",
    known_on="known_on",
    superseded_on="superseded_on",
    online=True,
    description="The waves of work in a location.",
    owner="Operations",
    windows=(
        *(
            Window(f"waves_{n}d", "count", "task_id", n,
                   description=f"Waves of work of the last {n} days.")
            for n in (1, 7, 28)
        ),
        *(
            Window(f"worked_units_{n}d", "sum", "units", n,
                   description=f"Units that were worked on over the last {n} days.")
            for n in (1, 7, 28)
        ),
        Window("workers_7d", "distinct", "worker_id", 7,
               description="People who worked in the last 7 days."),
    ),
    derived=(
        ratio("units_per_wave_28d", "worked_units_28d", "waves_28d",
              description="Units per wave over the last 28 days."),
    ),
)  # fmt: skip
