-- The events ahead, as the champion planned them last.
WITH said AS (
    SELECT *, max(as_of) OVER () AS newest
    FROM {{ source('platform', 'marketing__events_predictions') }}
    WHERE role = 'champion'
)

SELECT
    category,
    location_id,
    target_week AS week,
    as_of,
    version,
    event,
    decision AS depth,
    featured > 0 AS on_front_page,
    skus,
    gain AS expected_gain,
    gain_low AS expected_gain_low,
    gain_high AS expected_gain_high,
    units AS expected_units,
    discount_kes AS expected_discount,
    litres AS expected_litres,
    trucks_kes AS expected_trucks
FROM said
WHERE as_of = newest AND decision > 0
