{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'task_id']) }}

-- One row per wave of work in a location and state in which it was known. Times are UTC; `day` is
-- the company's.
WITH states AS (
    {{ as_known('tasks', ['task_id'], {
        'task_id': 'varchar', 'location_id': 'varchar', 'task': 'varchar', 'worker_id': 'varchar',
        'started_at': 'timestamp', 'ended_at': 'timestamp', 'lines': 'integer',
        'units': 'integer',
    }) }}
)

SELECT *, {{ local_day('started_at') }} AS day
FROM states
