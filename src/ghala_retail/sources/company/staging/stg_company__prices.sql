-- One row per SKU, zone, day from which the price holds, and delivery. The price includes VAT.
SELECT
    sku,
    zone,
    price_kes AS price,
    cost_kes AS unit_cost,
    'KES' AS currency,
    reason,
    test_arm,
    valid_from,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__prices') }}
