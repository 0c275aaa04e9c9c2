-- What has a history worth a forecast, with its first week. A depot orders what is new, too.
SELECT
    grain,
    series,
    max(category) AS category,
    max(sku) AS sku,
    max(location_id) AS location_id,
    min(week) AS first_week
FROM {{ ref('demand_sales') }}
WHERE units IS NOT NULL
GROUP BY grain, series
HAVING count(*) >= 6 OR grain = 'sku_location'
