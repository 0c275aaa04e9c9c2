-- One row per rate, place, day and delivery.
SELECT
    rate,
    place,
    day,
    value,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__market_rates') }}
