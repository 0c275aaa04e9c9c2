-- One row per depot and day from which it holds.
SELECT
    depot_id AS location_id,
    'depot' AS location_kind,
    name,
    county,
    zone,
    latitude,
    longitude,
    opened_on,
    own_trucks,
    docks,
    valid_from,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__depots') }}
