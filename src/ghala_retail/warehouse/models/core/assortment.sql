{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['sku', 'location_id']) }}

-- One row per SKU and location that ever held or sold it: the first and the last day seen.
WITH seen AS (
    SELECT sku, location_id, day, batch
    FROM {{ ref('sku_location_day') }}
    UNION ALL
    SELECT sku, location_id, day, batch
    FROM {{ ref('stock_days') }}
),

spans AS (
    SELECT sku, location_id, min(day) AS first_day, max(day) AS last_day, max(batch) AS batch
    FROM seen
    {% if is_incremental() -%}
    WHERE batch > {{ last_batch() }}
    {% endif -%}
    GROUP BY sku, location_id
)

{% if is_incremental() -%}
SELECT
    spans.sku,
    spans.location_id,
    least(spans.first_day, before.first_day) AS first_day,
    greatest(spans.last_day, before.last_day) AS last_day,
    spans.batch
FROM spans
LEFT JOIN {{ this }} AS before
    ON before.sku = spans.sku AND before.location_id = spans.location_id
{%- else -%}
SELECT *
FROM spans
{%- endif %}
