-- What then happened: how often each customer in a campaign's lot ordered while the campaign ran, and
-- what that earned, in the company's currency, without VAT, after goods and money off, before the contact itself.
-- It counts as it was known 28 days after the start, when late orders and cancellations have come.
WITH ended AS (
    SELECT
        origins.as_of,
        campaigns.source,
        campaigns.campaign_id,
        campaigns.starts_on,
        campaigns.ends_on,
        CAST(campaigns.starts_on + 28 AS DATE) AS known_on
    FROM origins
    INNER JOIN core.campaigns
        ON campaigns.starts_on >= origins.as_of AND campaigns.starts_on < origins.as_of + 7
),

audience AS (
    SELECT ended.as_of, lots.customer_id, min(ended.starts_on) AS starts_on,
        max(ended.ends_on) AS ends_on, max(ended.known_on) AS known_on
    FROM ended
    INNER JOIN core.campaign_exposures AS lots
        ON lots.source = ended.source AND lots.campaign_id = ended.campaign_id
        AND lots.superseded_on IS NULL
    GROUP BY ended.as_of, lots.customer_id
),

earned AS (
    SELECT
        audience.as_of,
        audience.customer_id,
        sum(
            CAST(lines.revenue AS DOUBLE PRECISION) / (1 + coalesce(products.vat_rate, 0))
            - lines.units * CAST(prices.unit_cost AS DOUBLE PRECISION)
        ) AS margin,
        count(DISTINCT lines.order_id) AS orders
    FROM audience
    INNER JOIN core.order_lines AS lines
        ON lines.customer_id = audience.customer_id
        AND lines.ordered_on BETWEEN audience.starts_on AND audience.ends_on
        AND lines.known_on <= audience.known_on
        AND (lines.superseded_on IS NULL OR lines.superseded_on > audience.known_on)
        AND NOT lines.is_cancelled
    LEFT JOIN core.location_history AS zones
        ON zones.location_id = lines.location_id AND zones.superseded_on IS NULL
        AND zones.valid_from <= lines.ordered_on
        AND (zones.valid_to IS NULL OR zones.valid_to > lines.ordered_on)
    LEFT JOIN core.prices
        ON prices.sku = lines.sku AND prices.zone = zones.zone AND prices.superseded_on IS NULL
        AND prices.valid_from <= lines.ordered_on
        AND (prices.valid_to IS NULL OR prices.valid_to > lines.ordered_on)
    LEFT JOIN core.product_history AS products
        ON products.sku = lines.sku AND products.superseded_on IS NULL
        AND products.valid_from <= lines.ordered_on
        AND (products.valid_to IS NULL OR products.valid_to > lines.ordered_on)
    GROUP BY audience.as_of, audience.customer_id
)

SELECT
    audience.customer_id,
    audience.as_of,
    audience.known_on,
    coalesce(earned.orders, 0) AS orders,
    coalesce(earned.margin, 0) AS actual
FROM audience
LEFT JOIN earned ON earned.as_of = audience.as_of AND earned.customer_id = audience.customer_id
