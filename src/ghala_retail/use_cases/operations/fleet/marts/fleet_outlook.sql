-- How many trucks each depot has to commit to on each day ahead, as the champion said last.
WITH said AS (
    SELECT *, max(as_of) OVER () AS newest
    FROM {{ source('platform', 'operations__fleet_predictions') }}
    WHERE role = 'champion'
)

SELECT
    location_id,
    day,
    as_of,
    version,
    decision AS trucks,
    own,
    contract,
    spot AS expected_spot,
    expected AS expected_trucks,
    p10,
    p50,
    p90,
    own * own_rate + contract * contract_rate + spot * spot_rate AS expected_cost,
    infeasible
FROM said
WHERE as_of = newest
