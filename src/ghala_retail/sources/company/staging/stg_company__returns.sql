-- One row per return. The refund includes VAT.
SELECT
    CAST(return_id AS VARCHAR) AS return_id,
    CAST(order_id AS VARCHAR) AS order_id,
    sku,
    units,
    reason,
    returned_on,
    refund_kes AS refund,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__returns') }}
