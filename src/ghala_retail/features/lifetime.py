"""Features of customers over all that was known: since when, how often, for how much."""

from ghala.features.definitions import FeatureView, Window, days_since, ratio

_SOLD = "NOT is_cancelled"

customer_lifetime = FeatureView(
    name="customer_lifetime",
    entity=("customer_id",),
    source="core.order_lines",
    event_time="ordered_on",
    known_on="known_on",
    superseded_on="superseded_on",
    description="A customer's whole history. Money is in the company's currency, with VAT.",
    owner="Marketing",
    windows=(
        Window("orders", "distinct", "order_id", where=_SOLD,
               description="Orders that were not cancelled."),
        Window("spend", "sum", "revenue", description="Money paid."),
        Window("first_order_on", "min", "ordered_on", where=_SOLD,
               description="The day of the first order."),
        Window("last_order_on", "max", "ordered_on", where=_SOLD,
               description="The day of the newest order."),
    ),
    derived=(
        days_since("age_days", "first_order_on"),
        days_since("idle_days", "last_order_on"),
        ratio("spend_per_order", "spend", "orders", description="Money per order."),
    ),
)  # fmt: skip
