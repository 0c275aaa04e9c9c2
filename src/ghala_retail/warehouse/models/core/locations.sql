{{ config(materialized='view') }}

-- One row per store or depot, as it is now.
SELECT
    source,
    location_id,
    location_kind,
    name,
    county,
    zone,
    latitude,
    longitude,
    opened_on,
    own_trucks,
    docks,
    valid_from,
    known_on
FROM {{ ref('location_history') }}
WHERE is_current
