-- One row per SKU, day from which it holds and state in which it was known.
{{ as_valid('products', ['sku'], {
    'sku': 'varchar', 'name': 'varchar', 'department': 'varchar', 'category': 'varchar',
    'subcategory': 'varchar', 'brand': 'varchar', 'tier': 'varchar', 'is_private_label': 'boolean',
    'supplier_id': 'varchar', 'package_size': 'varchar', 'pack_units': 'integer',
    'weight_kg': 'decimal(10,3)', 'volume_l': 'decimal(10,3)', 'shelf_life_days': 'integer',
    'vat_rate': 'decimal(5,4)', 'is_kvi': 'boolean', 'launched_on': 'date', 'delisted_on': 'date',
}) }}
