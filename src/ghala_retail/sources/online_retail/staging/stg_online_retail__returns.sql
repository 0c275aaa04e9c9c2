-- One row per line of a cancellation. It does not say which invoice it takes back.
SELECT
    invoice || '-' || CAST(line AS VARCHAR) AS return_id,
    upper(trim(stock_code)) AS sku,
    -quantity AS units,
    'cancelled' AS reason,
    CAST(invoiced_at AS DATE) AS returned_on,
    -quantity * price AS refund,
    'GBP' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'online_retail__invoices') }}
WHERE quantity < 0
