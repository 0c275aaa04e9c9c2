-- One row per supplier and day from which its terms hold.
SELECT
    supplier_id,
    name,
    country,
    currency,
    moq_units,
    lead_time_days,
    break_units,
    break_discount,
    valid_from,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__suppliers') }}
