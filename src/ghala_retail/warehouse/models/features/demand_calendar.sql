-- What is known of a week years ahead: its days at the start of a month and before public days,
-- and the mean of both over the 8 and the 26 weeks before it.
WITH weeks AS (
    SELECT
        week,
        CAST(count(*) FILTER (WHERE day_of_month <= 5) AS DOUBLE PRECISION) AS month_start,
        CAST(count(*) FILTER (WHERE days_to_event BETWEEN 0 AND 4) AS DOUBLE PRECISION) AS run_up
    FROM {{ ref('calendar') }}
    GROUP BY week
    HAVING count(*) = 7
)

SELECT
    week,
    month_start,
    run_up,
    (avg(month_start) OVER eight + avg(month_start) OVER half) / 2 AS usual_month_start,
    (avg(run_up) OVER eight + avg(run_up) OVER half) / 2 AS usual_run_up
FROM weeks
WINDOW
    eight AS (ORDER BY week ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING),
    half AS (ORDER BY week ROWS BETWEEN 26 PRECEDING AND 1 PRECEDING)
