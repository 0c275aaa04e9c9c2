"""Features of customers, for every unit: how recently, how often, for how much, by which way."""

from ghala.features.definitions import FeatureView, Window, days_since, ratio

_SOLD = "NOT is_cancelled"
_BY_AGENT = f"{_SOLD} AND channel = 'agent'"

customer = FeatureView(
    name="customer",
    entity=("customer_id",),
    source="core.order_lines",
    event_time="ordered_on",
    known_on="known_on",
    superseded_on="superseded_on",
    ttl_days=730,
    online=True,
    description="What a customer bought. Money is in the company's currency, with VAT.",
    owner="Marketing",
    windows=(
        *(
            Window(f"orders_{n}d", "distinct", "order_id", n, where=_SOLD,
                   description=f"Orders of the last {n} days that were not cancelled.")
            for n in (7, 30, 90, 180, 365)
        ),
        *(
            Window(f"spend_{n}d", "sum", "revenue", n,
                   description=f"Money paid over the last {n} days.")
            for n in (7, 30, 90, 180, 365)
        ),
        *(
            Window(f"units_{n}d", "sum", "units", n,
                   description=f"Units bought over the last {n} days.")
            for n in (7, 30, 90, 365)
        ),
        *(
            Window(f"discount_{n}d", "sum", "discount", n,
                   description=f"Money taken off over the last {n} days.")
            for n in (30, 90, 365)
        ),
        *(
            Window(f"skus_{n}d", "distinct", "sku", n, where=_SOLD,
                   description=f"Different SKUs bought over the last {n} days.")
            for n in (30, 90, 365)
        ),
        *(
            Window(f"agent_orders_{n}d", "distinct", "order_id", n, where=_BY_AGENT,
                   description=f"Orders of the last {n} days that came through an agent.")
            for n in (30, 90, 365)
        ),
        Window("cancelled_orders_365d", "distinct", "order_id", 365, where="is_cancelled",
               description="Orders of the last 365 days that were cancelled."),
        Window("dearest_line_365d", "max", "CAST(revenue AS DOUBLE PRECISION)", 365,
               description="Money paid for the dearest line of the last 365 days."),
        Window("mean_line_365d", "mean", "revenue", 365, where=_SOLD,
               description="Money paid per line over the last 365 days."),
        Window("first_order_on", "min", "ordered_on", where=_SOLD,
               description="The day of the first order."),
        Window("last_order_on", "max", "ordered_on", where=_SOLD,
               description="The day of the newest order."),
        Window("last_channel", "last", "channel", description="web or agent."),
        Window("last_location_id", "last", "location_id",
               description="The location that served the newest order."),
    ),
    derived=(
        days_since("days_since_order", "last_order_on"),
        days_since("tenure_days", "first_order_on"),
        ratio("basket_90d", "spend_90d", "orders_90d", description="Money per order, 90 days."),
        ratio("spend_trend", "spend_30d", "spend_90d",
              description="Share of the last 90 days' money that came in the last 30."),
        ratio("agent_share_365d", "agent_orders_365d", "orders_365d",
              description="Share of the orders that came through an agent, 365 days."),
    ),
)  # fmt: skip

campaign_response = FeatureView(
    name="campaign_response",
    entity=("customer_id",),
    source="""(
        SELECT
            lots.customer_id,
            campaigns.ends_on,
            campaigns.starts_on + 28 AS known_on,
            CASE WHEN lots.is_contacted THEN 1 ELSE 0 END AS contacted,
            campaigns.ends_on - campaigns.starts_on + 1 AS days,
            count(orders.order_id) AS orders
        FROM core.campaign_exposures AS lots
        INNER JOIN core.campaigns
            ON campaigns.source = lots.source AND campaigns.campaign_id = lots.campaign_id
        LEFT JOIN core.orders
            ON orders.customer_id = lots.customer_id AND NOT orders.is_cancelled
            AND orders.ordered_on BETWEEN campaigns.starts_on AND campaigns.ends_on
            AND orders.known_on <= campaigns.starts_on + 28
            AND (orders.superseded_on IS NULL OR orders.superseded_on > campaigns.starts_on + 28)
        WHERE lots.superseded_on IS NULL
        GROUP BY lots.customer_id, lots.campaign_id, lots.is_contacted, campaigns.starts_on,
            campaigns.ends_on
    )""",
    event_time="ends_on",
    known_on="known_on",
    description="What a customer ordered in campaigns, by the side of the lot, 28 days after each"
    " began.",
    owner="Marketing",
    windows=tuple(
        Window(f"{side}_{what}", "sum", what, where=f"contacted = {value}", description=words)
        for side, value, said in (("contacted", 1, "contacted"), ("spared", 0, "held out by lot"))
        for what, words in (
            ("days", f"Days of campaigns in which the customer was {said}."),
            ("orders", f"Orders in campaigns in which the customer was {said}."),
        )
    ),
)
