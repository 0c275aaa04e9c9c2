{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'order_id']) }}

-- One row per order and state in which it was known. Times are UTC; `ordered_on` and `week` are
-- local to the company.
WITH states AS (
    {{ as_known('orders', ['order_id'], {
        'order_id': 'varchar', 'channel': 'varchar', 'customer_id': 'varchar',
        'agent_id': 'varchar', 'location_id': 'varchar', 'ordered_at': 'timestamp',
        'status': 'varchar', 'delivery_fee': 'decimal(12,2)', 'currency': 'varchar',
    }) }}
),

dated AS (
    SELECT *, {{ local_day('ordered_at') }} AS ordered_on, status = 'cancelled' AS is_cancelled
    FROM states
)

SELECT *, CAST(date_trunc('week', ordered_on) AS DATE) AS week
FROM dated
