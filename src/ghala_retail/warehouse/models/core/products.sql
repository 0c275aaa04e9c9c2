{{ from_sources('products', ['sku', 'department', 'category', 'subcategory', 'is_private_label',
                             'supplier_id', 'package_size']) }}
