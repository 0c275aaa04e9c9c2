{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'promotion_id', 'sku', 'location_id']) }}

-- One row per promotion, SKU, location and state in which the plan was known.
{{ as_known('promotion_plans', ['promotion_id', 'sku', 'location_id'], {
    'promotion_id': 'varchar', 'event': 'varchar', 'sku': 'varchar', 'location_id': 'varchar',
    'starts_on': 'date', 'ends_on': 'date', 'discount_share': 'decimal(5,4)',
    'is_featured': 'boolean', 'is_cancelled': 'boolean',
}) }}
