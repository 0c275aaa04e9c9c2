{{ config(materialized='view') }}

-- One row per customer, as it is now.
SELECT
    source,
    customer_id,
    location_id,
    agent_id,
    registered_on,
    gender,
    birth_year,
    age_band,
    income_band,
    household_size,
    children,
    valid_from,
    known_on
FROM {{ ref('customer_history') }}
WHERE is_current
