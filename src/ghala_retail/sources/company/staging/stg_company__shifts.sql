-- One row per worker's shift. Times are UTC.
SELECT
    CAST(shift_id AS VARCHAR) AS shift_id,
    depot_id AS location_id,
    CAST(worker_id AS VARCHAR) AS worker_id,
    task,
    starts_at,
    ends_at,
    is_absent,
    cost_kes AS cost,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__shifts') }}
