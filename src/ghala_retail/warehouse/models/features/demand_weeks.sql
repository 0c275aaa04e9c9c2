-- Every week of a series from its first sale on, with true zeros, the promotion class of the week,
-- `base` (the mean of the thirteen weeks before that were not in the mailer) and running counts.
WITH spans AS (
    SELECT
        grain,
        series,
        max(category) AS category,
        max(location_id) AS location_id,
        min(week) AS first_week
    FROM {{ ref('demand_sales') }}
    GROUP BY grain, series
    HAVING count(*) >= 6
),

deliveries AS (
    -- a first week that the data enters in the middle is none
    SELECT
        week,
        max(known_on) AS known_on,
        row_number() OVER (ORDER BY week) AS known_weeks
    FROM {{ ref('demand_sales') }}
    GROUP BY week
    HAVING min(begun_on) <= week + 7
        AND week >= (SELECT min(ordered_on) FROM {{ ref('order_lines') }})
),

dense AS (
    SELECT
        spans.grain,
        spans.series,
        spans.category,
        spans.location_id,
        deliveries.week,
        deliveries.known_on,
        deliveries.known_weeks,
        spans.first_week,
        coalesce(sales.units, 0) AS units,
        coalesce(sales.revenue, 0) AS revenue,
        coalesce(plan.mailer_share, 0) AS mailer_share,
        coalesce(plan.front_share, 0) AS front_share,
        coalesce(plan.back_share, 0) AS back_share,
        coalesce(plan.feature_share, 0) AS feature_share,
        coalesce(plan.display_share, 0) AS display_share,
        coalesce(plan.lift_class, 0) AS lift_class
    FROM spans
    INNER JOIN deliveries ON deliveries.week >= spans.first_week
    LEFT JOIN {{ ref('demand_sales') }} AS sales
        ON sales.grain = spans.grain AND sales.series = spans.series
        AND sales.week = deliveries.week
    LEFT JOIN {{ ref('demand_plan') }} AS plan
        ON plan.grain = spans.grain AND plan.series = spans.series
        AND plan.target_week = deliveries.week AND plan.known_on <= deliveries.known_on
        AND (plan.superseded_on IS NULL OR plan.superseded_on > deliveries.known_on)
)

SELECT
    *,
    coalesce(
        avg(CASE WHEN mailer_share < 0.1 THEN units END) OVER past, avg(units) OVER past
    ) AS base,
    CAST((week - first_week) / 7 + 1 AS BIGINT) AS age_weeks,
    CAST(sum(CASE WHEN units > 0 THEN 1 ELSE 0 END) OVER upto AS BIGINT) AS sold_weeks,
    max(CASE WHEN units > 0 THEN week END) OVER upto AS last_sold_week
FROM dense
WINDOW
    past AS (PARTITION BY grain, series ORDER BY week ROWS BETWEEN 13 PRECEDING AND 1 PRECEDING),
    upto AS (PARTITION BY grain, series ORDER BY week ROWS UNBOUNDED PRECEDING)
