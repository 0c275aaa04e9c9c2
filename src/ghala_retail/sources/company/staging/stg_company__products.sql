-- One row per SKU and day from which it holds.
SELECT
    sku,
    name,
    category,
    subcategory,
    brand,
    tier,
    supplier_id,
    pack_units,
    weight_kg,
    volume_l,
    shelf_life_days,
    vat_rate,
    is_kvi,
    launched_on,
    delisted_on,
    valid_from,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__products') }}
