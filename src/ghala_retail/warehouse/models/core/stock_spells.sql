{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'sku', 'location_id']) }}

-- One row per SKU, location and spell with or without stock, as known now: from the first day that
-- ended so to the first day that did not (null while it lasts).
WITH stock AS (
    SELECT source, sku, location_id, day, is_stockout, batch
    FROM {{ ref('stock_days') }}
    WHERE superseded_on IS NULL
),

{{ touched_rows('counted', 'stock', ['sku', 'location_id']) }},

compared AS (
    SELECT
        *,
        lag(is_stockout) OVER before AS was_stockout,
        max(batch) OVER (PARTITION BY source, sku, location_id) AS newest_batch
    FROM counted
    WINDOW before AS (PARTITION BY source, sku, location_id ORDER BY day)
),

turns AS (
    SELECT *, lead(day) OVER onward AS to_day
    FROM compared
    WHERE was_stockout IS NULL OR is_stockout <> was_stockout
    WINDOW onward AS (PARTITION BY source, sku, location_id ORDER BY day)
)

SELECT source, sku, location_id, day AS from_day, to_day, is_stockout, newest_batch AS batch
FROM turns
