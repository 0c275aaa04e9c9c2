-- The weeks that are known in full, each with the day on which it was and the day on which its late
-- orders are in. A first week that the data enters in the middle is none.
SELECT
    week,
    max(known_on) AS known_on,
    max(settled_on) AS settled_on,
    row_number() OVER (ORDER BY week) AS known_weeks
FROM {{ ref('demand_sales') }}
GROUP BY week
HAVING min(begun_on) <= week + 7 AND week >= (SELECT min(ordered_on) FROM {{ ref('order_lines') }})
