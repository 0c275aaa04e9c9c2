-- One row per SKU.
SELECT
    CAST(product_id AS VARCHAR) AS sku,
    department,
    product_category AS category,
    product_type AS subcategory,
    brand = 'Private' AS is_private_label,
    CAST(manufacturer_id AS VARCHAR) AS supplier_id,
    package_size,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'completejourney__products') }}
