{{ config(materialized='view') }}

-- One row per supplier, as it is now.
SELECT
    source,
    supplier_id,
    name,
    country,
    currency,
    moq_units,
    lead_time_days,
    break_units,
    break_discount,
    valid_from,
    known_on
FROM {{ ref('supplier_history') }}
WHERE is_current
