-- One row per SKU, under the name that it was last sold by. The data knows no categories.
SELECT DISTINCT ON (upper(trim(stock_code)))
    upper(trim(stock_code)) AS sku,
    CAST(NULL AS VARCHAR) AS department,
    CAST(NULL AS VARCHAR) AS category,
    CAST(NULL AS VARCHAR) AS subcategory,
    CAST(NULL AS BOOLEAN) AS is_private_label,
    CAST(NULL AS VARCHAR) AS supplier_id,
    CAST(NULL AS VARCHAR) AS package_size
FROM {{ source('raw', 'online_retail__invoices') }}
ORDER BY upper(trim(stock_code)), invoiced_at DESC, invoice DESC, line DESC
