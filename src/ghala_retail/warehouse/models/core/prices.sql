{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'sku', 'zone']) }}

-- One row per SKU, zone, day from which the list price holds and state in which it was known.
{{ as_valid('prices', ['sku', 'zone'], {
    'sku': 'varchar', 'zone': 'varchar', 'price': 'decimal(12,2)', 'unit_cost': 'decimal(12,2)',
    'currency': 'varchar', 'reason': 'varchar', 'test_arm': 'varchar',
}) }}
