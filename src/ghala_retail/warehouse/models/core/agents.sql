{{ config(materialized='view') }}

-- One row per sales agent, as it is now.
{{ as_it_is_now(ref('agent_history')) }}
