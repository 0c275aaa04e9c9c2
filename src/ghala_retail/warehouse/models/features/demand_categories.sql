-- What a category sold in a week at a grain, over the series that had sold in six weeks by then.
SELECT
    grain,
    category,
    week,
    max(known_on) AS known_on,
    sum(units) AS units,
    sum(coalesce(clean_units, units)) AS clean_units
FROM {{ ref('demand_history') }}
WHERE sold_weeks >= 6
GROUP BY grain, category, week
