-- One row per customer and day from which it holds.
SELECT
    CAST(customer_id AS VARCHAR) AS customer_id,
    depot_id AS location_id,
    CAST(agent_id AS VARCHAR) AS agent_id,
    registered_on,
    gender,
    birth_year,
    valid_from,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__customers') }}
