{{ config(materialized='view') }}

-- One row per SKU, location and span of days (`from_day` to the day before `to_day`, which is null
-- in the last one) over which the closing stock stayed the same, as known now.
SELECT
    source,
    sku,
    location_id,
    day AS from_day,
    lead(day) OVER (PARTITION BY sku, location_id ORDER BY day) AS to_day,
    closing,
    is_stockout
FROM {{ ref('stock_days') }}
WHERE superseded_on IS NULL
