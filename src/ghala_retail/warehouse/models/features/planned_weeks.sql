{{ config(materialized='view') }}

-- The dated promotions of the plan snapshot.
SELECT
    source,
    sku,
    place AS location_id,
    week,
    known_on,
    superseded_on,
    batch,
    mailer_share AS promoted_share,
    front_share AS featured_share,
    discount_share
FROM {{ ref('plan_snapshot') }}
WHERE what = 'dated promotion'
