-- What trucks of a location charge for more than they expect to carry, as operations/fleet had said
-- before each Monday: KES a day for one, two and four truck-loads more, for the fourth to seventh week
-- ahead. Where its outlook reaches most of a week the days of that week count, else all days of the
-- outlook. Without operations/fleet, and before it has spoken, there are none.
{% set fleet = predictions_of('operations/fleet') -%}
{% if fleet -%}
WITH mondays AS (SELECT DISTINCT monday FROM {{ ref('event_shelves') }}),

spoken AS (
    SELECT mondays.monday, max(said.as_of) AS as_of
    FROM mondays
    INNER JOIN (SELECT DISTINCT as_of FROM {{ fleet }} WHERE role = 'champion') AS said
        ON said.as_of BETWEEN mondays.monday - 14 AND mondays.monday - 1
    GROUP BY mondays.monday
),

outlook AS (
    SELECT
        spoken.monday, said.location_id, CAST(date_trunc('week', said.day) AS DATE) AS week,
        said.expected, said.one_more, said.two_more, said.four_more
    FROM spoken
    INNER JOIN {{ fleet }} AS said ON said.as_of = spoken.as_of AND said.role = 'champion'
    WHERE said.four_more IS NOT NULL
),

overall AS (
    SELECT
        monday, location_id, avg(expected) AS trucks, avg(one_more) AS one_more,
        avg(two_more) AS two_more, avg(four_more) AS four_more
    FROM outlook
    GROUP BY monday, location_id
),

weekly AS (
    SELECT
        monday, location_id, week, avg(expected) AS trucks, avg(one_more) AS one_more,
        avg(two_more) AS two_more, avg(four_more) AS four_more
    FROM outlook
    GROUP BY monday, location_id, week
    HAVING count(*) >= 5
)

SELECT
    overall.monday,
    overall.location_id,
    CAST(overall.monday + 7 * steps.ahead AS DATE) AS week,
    coalesce(weekly.trucks, overall.trucks) AS trucks,
    coalesce(weekly.one_more, overall.one_more) AS one_more,
    coalesce(weekly.two_more, overall.two_more) AS two_more,
    coalesce(weekly.four_more, overall.four_more) AS four_more
FROM overall
CROSS JOIN (VALUES (3), (4), (5), (6)) AS steps (ahead)
LEFT JOIN weekly
    ON weekly.monday = overall.monday AND weekly.location_id = overall.location_id
    AND weekly.week = CAST(overall.monday + 7 * steps.ahead AS DATE)
{%- else -%}
SELECT
    CAST(NULL AS DATE) AS monday,
    CAST(NULL AS VARCHAR) AS location_id,
    CAST(NULL AS DATE) AS week,
    CAST(NULL AS DOUBLE PRECISION) AS trucks,
    CAST(NULL AS DOUBLE PRECISION) AS one_more,
    CAST(NULL AS DOUBLE PRECISION) AS two_more,
    CAST(NULL AS DOUBLE PRECISION) AS four_more
WHERE false
{%- endif %}
