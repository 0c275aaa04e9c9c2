-- One row per order to a supplier, SKU and day on which some of it came in.
SELECT
    CAST(purchase_id AS VARCHAR) AS purchase_id,
    sku,
    received_on,
    units,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__receipts') }}
