-- What a SKU was wanted in a week over the locations that hold it, to pull a thin series toward.
SELECT grain, sku, week, max(known_on) AS known_on, sum(coalesce(clean_units, units)) AS clean_units
FROM {{ ref('demand_history') }}
WHERE sku IS NOT NULL AND location_id IS NOT NULL
GROUP BY grain, sku, week
