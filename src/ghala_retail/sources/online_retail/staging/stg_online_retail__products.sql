-- One row per SKU, under the name by which it was first invoiced. The data knows no categories.
SELECT DISTINCT ON (upper(trim(stock_code)))
    upper(trim(stock_code)) AS sku,
    trim(description) AS name,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'online_retail__invoices') }}
ORDER BY upper(trim(stock_code)), _batch, invoiced_at, invoice, line
