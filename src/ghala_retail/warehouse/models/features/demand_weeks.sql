{{ config(
    materialized='incremental', incremental_strategy='delete+insert',
    unique_key=['grain', 'series', 'week'], pre_hook="{{ forget_series() }}"
) }}

-- Every week of a series from its first sale on, with true zeros, the promotion class of the week,
-- `base` (the mean of the thirteen weeks before that were not in the mailer) and running counts.
-- `wanted` is what would have been sold from a full shelf, `settled_wanted` when late orders are in:
-- units over the share of days with stock; null when fewer than three had any.
--
-- A next build writes every week from the first one of which there is news, and new series whole.
-- depends_on: {{ ref('stock_days') }}, {{ ref('prices') }}
WITH
{% if is_incremental() -%}
held AS (
    SELECT
        week,
        max(known_on) AS known_on,
        max(settled_on) AS settled_on,
        max(known_weeks) AS known_weeks
    FROM {{ this }}
    GROUP BY week
),

-- What came after a week was over is no news to a forecast; what had come by then, and is built only
-- now, is.
news AS (
    SELECT deliveries.week
    FROM {{ ref('demand_deliveries') }} AS deliveries
    LEFT JOIN held ON held.week = deliveries.week
    WHERE held.known_on IS DISTINCT FROM deliveries.known_on
        OR held.settled_on IS DISTINCT FROM deliveries.settled_on
        OR held.known_weeks IS DISTINCT FROM deliveries.known_weeks
    UNION ALL
    SELECT week FROM {{ ref('demand_sales') }} WHERE {{ newest_batches() }}
    UNION ALL
    SELECT held.week
    FROM {{ ref('demand_plan') }} AS plan
    INNER JOIN held ON held.week = plan.target_week AND plan.known_on <= held.known_on
    WHERE plan.{{ newest_batches() }}
    UNION ALL
    SELECT held.week
    FROM {{ ref('stock_days') }} AS stock
    INNER JOIN held
        ON held.week = CAST(date_trunc('week', stock.day) AS DATE) AND stock.known_on <= held.known_on
    WHERE stock.{{ newest_batches() }}
    UNION ALL
    SELECT held.week
    FROM {{ ref('prices') }} AS prices
    INNER JOIN held ON held.week + 6 >= prices.valid_from AND prices.known_on <= held.known_on
    WHERE prices.{{ newest_batches() }}
),

-- The first week to write, and the thirteen before it, which its `base` looks at.
bounds AS (
    SELECT week AS first_week, known_weeks AS first_known
    FROM {{ ref('demand_deliveries') }}
    WHERE week >= (SELECT min(week) FROM news)
    ORDER BY week
    LIMIT 1
),

counted AS (
    SELECT
        counts.grain,
        counts.series,
        max(CASE WHEN counts.week < bounds.first_week THEN counts.sold_weeks END) AS sold_weeks,
        max(CASE WHEN counts.week < bounds.first_week THEN counts.last_sold_week END)
            AS last_sold_week
    FROM {{ this }} AS counts
    CROSS JOIN bounds
    GROUP BY counts.grain, counts.series
),
{%- else -%}
bounds AS (SELECT CAST(NULL AS DATE) AS first_week),

counted AS (
    SELECT grain, series, CAST(NULL AS BIGINT) AS sold_weeks, CAST(NULL AS DATE) AS last_sold_week
    FROM {{ ref('demand_series') }}
    WHERE false
),
{%- endif %}

listed AS (
    SELECT prices.sku, prices.zone, prices.week, max(prices.list_price) AS list_price
    FROM {{ ref('demand_prices') }} AS prices
    INNER JOIN {{ ref('demand_deliveries') }} AS deliveries
        ON deliveries.week = prices.week AND prices.known_on <= deliveries.known_on
        AND (prices.superseded_on IS NULL OR prices.superseded_on > deliveries.known_on)
    WHERE NOT prices.is_decided  -- what was decided and carried out is in the list by then
    GROUP BY prices.sku, prices.zone, prices.week
),

dense AS (
    SELECT
        series.grain,
        series.series,
        series.category,
        series.sku,
        series.location_id,
        deliveries.week,
        deliveries.known_on,
        deliveries.settled_on,
        deliveries.known_weeks,
        series.first_week,
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
        coalesce(plan.lift_class, 0) AS lift_class,
        coalesce(counted.sold_weeks, 0) AS sold_before,
        counted.last_sold_week AS last_sold_before
    FROM {{ ref('demand_series') }} AS series
    CROSS JOIN bounds
    LEFT JOIN counted ON counted.grain = series.grain AND counted.series = series.series
    INNER JOIN {{ ref('demand_deliveries') }} AS deliveries
        ON deliveries.week >= series.first_week
        AND (counted.series IS NULL OR deliveries.week >= bounds.first_week)
    LEFT JOIN {{ ref('demand_sales') }} AS sales
        ON sales.grain = series.grain AND sales.series = series.series
        AND sales.week = deliveries.week
    LEFT JOIN {{ ref('demand_plan') }} AS plan
        ON plan.grain = series.grain AND plan.series = series.series
        AND plan.target_week = deliveries.week AND plan.known_on <= deliveries.known_on
        AND (plan.superseded_on IS NULL OR plan.superseded_on > deliveries.known_on)
    LEFT JOIN {{ ref('demand_shortages') }} AS shortages
        ON series.grain = 'sku_location' AND shortages.sku = series.sku
        AND shortages.location_id = series.location_id AND shortages.week = deliveries.week
    LEFT JOIN {{ ref('locations') }} AS places
        ON series.grain = 'sku_location' AND places.location_id = series.location_id
    LEFT JOIN listed
        ON listed.sku = series.sku AND listed.zone = places.zone AND listed.week = deliveries.week
),

unmasked AS (
    SELECT
        *,
        CASE WHEN short_days <= 4 THEN units * 7 / (7 - short_days) END AS wanted,
        CASE WHEN short_days <= 4 THEN settled * 7 / (7 - short_days) END AS settled_wanted
    FROM dense
),

sold AS (
    SELECT grain, series, week, units, wanted, mailer_share FROM unmasked
    {% if is_incremental() -%}
    UNION ALL
    SELECT held.grain, held.series, held.week, held.units, held.wanted, held.mailer_share
    FROM {{ this }} AS held
    CROSS JOIN bounds
    WHERE held.week < bounds.first_week AND held.known_weeks >= bounds.first_known - 13
    {%- endif %}
),

running AS (
    SELECT
        grain,
        series,
        week,
        coalesce(
            avg(CASE WHEN mailer_share < 0.1 THEN wanted END) OVER past, avg(wanted) OVER past
        ) AS base
    FROM sold
    WINDOW past AS (PARTITION BY grain, series ORDER BY week ROWS BETWEEN 13 PRECEDING AND 1 PRECEDING)
)

SELECT
    grain,
    series,
    category,
    sku,
    location_id,
    week,
    known_on,
    settled_on,
    known_weeks,
    first_week,
    units,
    revenue,
    settled,
    short_days,
    list_price,
    mailer_share,
    front_share,
    back_share,
    feature_share,
    display_share,
    discount_share,
    lift_class,
    wanted,
    settled_wanted,
    running.base,
    CAST((week - first_week) / 7 + 1 AS BIGINT) AS age_weeks,
    CAST(sold_before + sum(CASE WHEN units > 0 THEN 1 ELSE 0 END) OVER upto AS BIGINT) AS sold_weeks,
    coalesce(max(CASE WHEN units > 0 THEN week END) OVER upto, last_sold_before) AS last_sold_week
FROM unmasked
INNER JOIN running USING (grain, series, week)
WINDOW upto AS (PARTITION BY grain, series ORDER BY week ROWS UNBOUNDED PRECEDING)
