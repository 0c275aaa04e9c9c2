{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'shift_id']) }}

-- One row per worker's shift and state in which it was known. Times are UTC; `day` is the
-- company's.
WITH states AS (
    {{ as_known('shifts', ['shift_id'], {
        'shift_id': 'varchar', 'location_id': 'varchar', 'worker_id': 'varchar', 'task': 'varchar',
        'starts_at': 'timestamp', 'ends_at': 'timestamp', 'is_absent': 'boolean',
        'cost': 'decimal(12,2)', 'currency': 'varchar',
    }) }}
)

SELECT *, {{ local_day('starts_at') }} AS day
FROM states
