{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'sku', 'location_id', 'day']) }}

-- One row per SKU, location, day on which its stock moved or was counted, and state in which it
-- was known. On the days between, `closing` stays what it was: see stock_spans.
WITH states AS (
    {{ as_known('stock_days', ['sku', 'location_id', 'day'], {
        'sku': 'varchar', 'location_id': 'varchar', 'day': 'date', 'received': 'integer',
        'shipped': 'integer', 'adjusted': 'integer', 'closing': 'integer',
    }) }}
)

SELECT *, closing = 0 AS is_stockout
FROM states
