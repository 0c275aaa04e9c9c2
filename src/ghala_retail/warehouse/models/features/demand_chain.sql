-- What all locations sold in a week at a grain; a location's share of the chain is taken of it.
SELECT grain, week, max(known_on) AS known_on, sum(units) AS units
FROM {{ ref('demand_locations') }}
GROUP BY grain, week
