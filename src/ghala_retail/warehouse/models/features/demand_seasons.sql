-- How a week stands against the eight weeks before it, by category and by location: a year later
-- it says what the season does. `around` is the mean of the week and its neighbours.
WITH totals AS (
    SELECT grain, 'category' AS part, category AS name, week, units
    FROM {{ ref('demand_categories') }}
    UNION ALL
    SELECT grain, 'location', location_id, week, units FROM {{ ref('demand_locations') }}
)

SELECT
    grain,
    part,
    name,
    week,
    avg(units) OVER (
        PARTITION BY grain, part, name ORDER BY week ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING
    ) AS around,
    avg(units) OVER (
        PARTITION BY grain, part, name ORDER BY week ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING
    ) AS before
FROM totals
