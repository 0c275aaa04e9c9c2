{{ config(materialized='view') }}

-- One row per store or depot, as it is now.
{{ as_it_is_now(ref('location_history')) }}
