{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'purchase_id', 'sku']) }}

-- One row per order to a supplier, SKU and state in which it was known.
{{ as_known('purchase_orders', ['purchase_id', 'sku'], {
    'purchase_id': 'varchar', 'sku': 'varchar', 'supplier_id': 'varchar', 'location_id': 'varchar',
    'ordered_on': 'date', 'expected_on': 'date', 'units': 'integer',
    'unit_cost': 'decimal(12,2)', 'currency': 'varchar',
}) }}
