-- One row per truck trip. Times are UTC.
SELECT
    CAST(trip_id AS VARCHAR) AS trip_id,
    depot_id AS location_id,
    vehicle_id,
    hire,
    departed_at,
    returned_at,
    stops,
    volume_l,
    distance_km,
    cost_kes AS cost,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__trips') }}
