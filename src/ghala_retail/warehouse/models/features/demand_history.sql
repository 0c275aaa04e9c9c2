-- Every week of a series with `clean_units`: its units divided by the lift of its promotion.
SELECT
    weeks.* EXCLUDE (base),
    weeks.units / greatest(lifts.lift, 0.2) AS clean_units
FROM {{ ref('demand_weeks') }} AS weeks
INNER JOIN {{ ref('demand_lifts') }} AS lifts USING (grain, category, lift_class, week)
