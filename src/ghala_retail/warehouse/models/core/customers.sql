{{ config(materialized='view') }}

-- One row per customer, as it is now.
{{ as_it_is_now(ref('customer_history')) }}
