-- What a location sold in a week, over its series that had sold in six weeks by then.
SELECT grain, location_id, week, max(known_on) AS known_on, sum(units) AS units
FROM {{ ref('demand_history') }}
WHERE location_id IS NOT NULL AND sold_weeks >= 6
GROUP BY grain, location_id, week
