{{ config(materialized='view') }}

-- Every week of a series with `clean_units`: what was wanted divided by the lift of its promotion.
SELECT
    weeks.grain,
    weeks.series,
    weeks.category,
    weeks.sku,
    weeks.location_id,
    weeks.week,
    weeks.known_on,
    weeks.known_weeks,
    weeks.first_week,
    weeks.units,
    weeks.revenue,
    weeks.mailer_share,
    weeks.front_share,
    weeks.back_share,
    weeks.feature_share,
    weeks.display_share,
    weeks.discount_share,
    weeks.short_days,
    weeks.list_price,
    weeks.settled_on,
    weeks.settled,
    weeks.settled_wanted,
    weeks.lift_class,
    weeks.age_weeks,
    weeks.sold_weeks,
    weeks.last_sold_week,
    weeks.wanted / greatest(lifts.lift, 0.2) AS clean_units
FROM {{ ref('demand_weeks') }} AS weeks
INNER JOIN {{ ref('demand_lifts') }} AS lifts USING (grain, category, lift_class, week)
