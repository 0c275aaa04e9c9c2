{{ config(materialized='incremental', incremental_strategy='append') }}

WITH arrived AS (
    {{ from_sources('order_lines', ['order_id', 'sku', 'customer_id', 'location_id', 'ordered_at',
                                    'ordered_on', 'units', 'revenue', 'discount', 'known_on',
                                    'batch']) }}
)

SELECT *, CAST(date_trunc('week', ordered_on) AS DATE) AS week
FROM arrived
{% if is_incremental() %}
WHERE batch > (SELECT coalesce(max(batch), 0) FROM {{ this }})
{% endif %}
