{{ config(materialized='view') }}

-- One row per sales agent, as it is now.
SELECT
    source,
    agent_id,
    location_id,
    tier,
    joined_on,
    left_on,
    valid_from,
    known_on
FROM {{ ref('agent_history') }}
WHERE is_current
