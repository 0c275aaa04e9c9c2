-- People for each task of each depot, day and shift, as the champion said last. Shifts take four hours.
WITH said AS (
    SELECT *, max(as_of) OVER () AS newest
    FROM {{ source('platform', 'operations__workforce_predictions') }}
    WHERE role = 'champion'
)

SELECT
    said.location_id,
    locations.zone,
    said.day,
    said.shift,
    CASE said.shift
        WHEN 'early' THEN 6 WHEN 'midday' THEN 10 WHEN 'afternoon' THEN 14 ELSE 18
    END AS begins_at_hour,
    said.task,
    said.as_of,
    said.version,
    said.decision AS people,
    said.expected_hours,
    4 * said.decision * (1 - said.absence) * said.wage AS wages_kes,
    said.infeasible
FROM said
LEFT JOIN {{ ref('locations') }} AS locations ON locations.location_id = said.location_id
WHERE said.as_of = said.newest
