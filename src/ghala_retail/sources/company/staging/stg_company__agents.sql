-- One row per sales agent and day from which it holds.
SELECT
    CAST(agent_id AS VARCHAR) AS agent_id,
    depot_id AS location_id,
    tier,
    joined_on,
    left_on,
    valid_from,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__agents') }}
