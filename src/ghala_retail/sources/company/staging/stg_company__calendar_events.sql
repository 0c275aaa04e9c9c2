-- One row per event, day and delivery.
SELECT
    event,
    day,
    kind,
    is_confirmed,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__calendar') }}
