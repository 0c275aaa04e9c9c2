{{ config(materialized='incremental', incremental_strategy='append') }}

-- What one delivery of order lines added to a SKU, location and week. Summing the rows with
-- `known_on <= D` gives what was known on day D, corrections included.
SELECT
    sku,
    location_id,
    week,
    known_on,
    batch,
    sum(units) AS units,
    sum(revenue) AS revenue,
    sum(discount) AS discount,
    count(*) AS lines
FROM {{ ref('order_lines') }}
{% if is_incremental() %}
WHERE batch > (SELECT coalesce(max(batch), 0) FROM {{ this }})
{% endif %}
GROUP BY sku, location_id, week, known_on, batch
