-- One row per wave of work in a depot. Times are UTC.
SELECT
    CAST(task_id AS VARCHAR) AS task_id,
    depot_id AS location_id,
    task,
    CAST(worker_id AS VARCHAR) AS worker_id,
    started_at,
    ended_at,
    lines,
    units,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__tasks') }}
