-- One row per invoice and SKU; lines of one SKU are added up. Amounts are GBP; invoiced_at is the
-- wall clock of London, and no invoice is written in the hour that autumn has twice.
SELECT
    invoice AS order_id,
    upper(trim(stock_code)) AS sku,
    customer_id,
    'website' AS location_id,
    min(invoiced_at) AT TIME ZONE 'Europe/London' AT TIME ZONE 'UTC' AS ordered_at,
    CAST(min(invoiced_at) AS DATE) AS ordered_on,
    sum(quantity) AS units,
    sum(quantity * price) AS revenue,
    0 AS discount,
    'GBP' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'online_retail__invoices') }}
WHERE quantity > 0
GROUP BY invoice, upper(trim(stock_code)), customer_id, _arrived_on, _batch
