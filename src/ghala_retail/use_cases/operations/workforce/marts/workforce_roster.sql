-- Whole people of each depot and crew who begin a full and a short shift, as the champion said last.
WITH said AS (
    SELECT *, max(as_of) OVER () AS newest
    FROM {{ source('platform', 'operations__workforce_predictions') }}
    WHERE role = 'champion'
)

SELECT
    said.location_id,
    locations.zone,
    said.crew,
    said.day,
    said.shift,
    said.as_of,
    said.version,
    sum(said.decision) AS people,
    max(said.full_starting) AS full_starting,
    max(said.short_starting) AS short_starting,
    sum(said.expected_hours) AS expected_hours,
    sum(4 * said.decision * (1 - said.absence) * said.wage) AS wages_kes,
    max(said.needed) AS people_needed,
    max(said.staff) AS people_there,
    greatest(max(said.needed - said.staff), 0) AS people_lacking,
    max(said.covered) AS hours_covered_share,
    max(said.infeasible) AS infeasible
FROM said
LEFT JOIN {{ ref('locations') }} AS locations ON locations.location_id = said.location_id
WHERE said.as_of = said.newest
GROUP BY
    said.location_id, locations.zone, said.crew, said.day, said.shift, said.as_of, said.version
