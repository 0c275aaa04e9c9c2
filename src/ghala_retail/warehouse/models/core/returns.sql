{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'return_id']) }}

-- One row per return and state in which it was known. `refund` includes VAT.
{{ as_known('returns', ['return_id'], {
    'return_id': 'varchar', 'order_id': 'varchar', 'sku': 'varchar', 'units': 'integer',
    'reason': 'varchar', 'returned_on': 'date', 'refund': 'decimal(12,2)', 'currency': 'varchar',
}) }}
