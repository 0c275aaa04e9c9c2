-- How many trucks each depot has to commit to on each day ahead, as the champion said last.
WITH said AS (
    SELECT *, max(as_of) OVER () AS newest
    FROM {{ source('platform', 'operations__fleet_predictions') }}
    WHERE role = 'champion'
)

SELECT
    said.location_id,
    locations.zone,
    said.day,
    CAST(date_trunc('week', said.day) AS DATE) AS week,
    said.as_of,
    said.version,
    said.decision AS trucks,
    said.own AS own_trucks,
    said.contract AS contract_trucks,
    said.spot AS expected_spot_trucks,
    said.expected AS expected_trucks,
    said.p10 AS trucks_p10,
    said.p50 AS trucks_p50,
    said.p90 AS trucks_p90,
    said.own * said.own_rate + said.contract * said.contract_rate + said.spot * said.spot_rate
        AS expected_cost_kes,
    said.infeasible
FROM said
LEFT JOIN {{ ref('locations') }} AS locations ON locations.location_id = said.location_id
WHERE said.as_of = said.newest
