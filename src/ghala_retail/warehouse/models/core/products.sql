{{ config(materialized='view') }}

-- One row per SKU, as it is now.
{{ as_it_is_now(ref('product_history')) }}
