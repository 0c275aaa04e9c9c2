{{ config(materialized='view') }}

-- One row per supplier, as it is now.
{{ as_it_is_now(ref('supplier_history')) }}
