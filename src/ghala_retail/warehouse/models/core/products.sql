{{ config(materialized='view') }}

-- One row per SKU, as it is now.
SELECT
    source,
    sku,
    name,
    department,
    category,
    subcategory,
    brand,
    tier,
    is_private_label,
    supplier_id,
    package_size,
    pack_units,
    weight_kg,
    volume_l,
    shelf_life_days,
    vat_rate,
    is_kvi,
    launched_on,
    delisted_on,
    valid_from,
    known_on
FROM {{ ref('product_history') }}
WHERE is_current
