-- How many litres a week a location carried of late, and the most that it has carried in a week, as
-- known on each Monday: the mean of the eight weeks before, and the maximum of 26.
WITH weekly AS (
    SELECT
        location_id, CAST(date_trunc('week', day) AS DATE) AS week,
        CAST(sum(volume_l) AS DOUBLE PRECISION) AS litres
    FROM {{ ref('trips') }}
    WHERE superseded_on IS NULL AND known_on <= day + 7
    GROUP BY location_id, CAST(date_trunc('week', day) AS DATE)
)

SELECT
    mondays.monday,
    weekly.location_id,
    avg(CASE WHEN weekly.week >= mondays.monday - 63 THEN weekly.litres END) AS load_litres,
    max(weekly.litres) AS capacity_litres
FROM (SELECT DISTINCT monday FROM {{ ref('event_shelves') }}) AS mondays
INNER JOIN weekly ON weekly.week BETWEEN mondays.monday - 189 AND mondays.monday - 14
GROUP BY mondays.monday, weekly.location_id
