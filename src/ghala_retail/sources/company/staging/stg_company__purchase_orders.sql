-- One row per order to a supplier and SKU. The unit cost is without VAT.
SELECT
    CAST(purchase_id AS VARCHAR) AS purchase_id,
    sku,
    supplier_id,
    depot_id AS location_id,
    ordered_on,
    expected_on,
    units,
    unit_cost_kes AS unit_cost,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__purchase_orders') }}
