-- One row per SKU, depot, day on which the stock moved or was counted, and delivery.
SELECT
    sku,
    depot_id AS location_id,
    day,
    received,
    shipped,
    adjusted,
    closing,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__stock') }}
