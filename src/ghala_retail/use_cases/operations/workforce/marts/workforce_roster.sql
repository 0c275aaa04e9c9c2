-- Whole people of each depot and crew who begin a full and a short shift, as the champion said last.
WITH said AS (
    SELECT *, max(as_of) OVER () AS newest
    FROM {{ source('platform', 'operations__workforce_predictions') }}
    WHERE role = 'champion'
)

SELECT
    location_id,
    crew,
    day,
    shift,
    as_of,
    version,
    sum(decision) AS people,
    max(full_starting) AS full_starting,
    max(short_starting) AS short_starting,
    sum(expected_hours) AS expected_hours,
    max(needed) AS people_needed,
    max(staff) AS people_there,
    max(infeasible) AS infeasible
FROM said
WHERE as_of = newest
GROUP BY location_id, crew, day, shift, as_of, version
