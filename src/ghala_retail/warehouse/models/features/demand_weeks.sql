-- Every week of a series from its first sale on, with true zeros, the promotion class of the week,
-- `base` (the mean of the thirteen weeks before that were not in the mailer) and running counts.
-- `wanted` is what would have been sold from a full shelf, `settled_wanted` when late orders are in:
-- units over the share of days with stock; null when fewer than three had any.
WITH spans AS (
    SELECT
        grain,
        series,
        max(category) AS category,
        max(sku) AS sku,
        max(location_id) AS location_id,
        min(week) AS first_week
    FROM {{ ref('demand_sales') }}
    WHERE units IS NOT NULL
    GROUP BY grain, series
    -- a depot orders what is new, too
    HAVING count(*) >= 6 OR grain = 'sku_location'
),

listed AS (
    SELECT prices.sku, prices.zone, prices.week, max(prices.list_price) AS list_price
    FROM {{ ref('demand_prices') }} AS prices
    INNER JOIN {{ ref('demand_deliveries') }} AS deliveries
        ON deliveries.week = prices.week AND prices.known_on <= deliveries.known_on
        AND (prices.superseded_on IS NULL OR prices.superseded_on > deliveries.known_on)
    GROUP BY prices.sku, prices.zone, prices.week
),

dense AS (
    SELECT
        spans.grain,
        spans.series,
        spans.category,
        spans.sku,
        spans.location_id,
        deliveries.week,
        deliveries.known_on,
        deliveries.settled_on,
        deliveries.known_weeks,
        spans.first_week,
        coalesce(sales.units, 0) AS units,
        coalesce(sales.revenue, 0) AS revenue,
        coalesce(sales.settled, 0) AS settled,
        coalesce(shortages.short_days, 0) AS short_days,
        listed.list_price,
        coalesce(plan.mailer_share, 0) AS mailer_share,
        coalesce(plan.front_share, 0) AS front_share,
        coalesce(plan.back_share, 0) AS back_share,
        coalesce(plan.feature_share, 0) AS feature_share,
        coalesce(plan.display_share, 0) AS display_share,
        coalesce(plan.discount_share, 0) AS discount_share,
        coalesce(plan.lift_class, 0) AS lift_class
    FROM spans
    INNER JOIN {{ ref('demand_deliveries') }} AS deliveries ON deliveries.week >= spans.first_week
    LEFT JOIN {{ ref('demand_sales') }} AS sales
        ON sales.grain = spans.grain AND sales.series = spans.series
        AND sales.week = deliveries.week
    LEFT JOIN {{ ref('demand_plan') }} AS plan
        ON plan.grain = spans.grain AND plan.series = spans.series
        AND plan.target_week = deliveries.week AND plan.known_on <= deliveries.known_on
        AND (plan.superseded_on IS NULL OR plan.superseded_on > deliveries.known_on)
    LEFT JOIN {{ ref('demand_shortages') }} AS shortages
        ON spans.grain = 'sku_location' AND shortages.sku = spans.sku
        AND shortages.location_id = spans.location_id AND shortages.week = deliveries.week
    LEFT JOIN {{ ref('locations') }} AS places
        ON spans.grain = 'sku_location' AND places.location_id = spans.location_id
    LEFT JOIN listed
        ON listed.sku = spans.sku AND listed.zone = places.zone AND listed.week = deliveries.week
),

unmasked AS (
    SELECT
        *,
        CASE WHEN short_days <= 4 THEN units * 7 / (7 - short_days) END AS wanted,
        CASE WHEN short_days <= 4 THEN settled * 7 / (7 - short_days) END AS settled_wanted
    FROM dense
)

SELECT
    *,
    coalesce(
        avg(CASE WHEN mailer_share < 0.1 THEN wanted END) OVER past, avg(wanted) OVER past
    ) AS base,
    CAST((week - first_week) / 7 + 1 AS BIGINT) AS age_weeks,
    CAST(sum(CASE WHEN units > 0 THEN 1 ELSE 0 END) OVER upto AS BIGINT) AS sold_weeks,
    max(CASE WHEN units > 0 THEN week END) OVER upto AS last_sold_week
FROM unmasked
WINDOW
    past AS (PARTITION BY grain, series ORDER BY week ROWS BETWEEN 13 PRECEDING AND 1 PRECEDING),
    upto AS (PARTITION BY grain, series ORDER BY week ROWS UNBOUNDED PRECEDING)
