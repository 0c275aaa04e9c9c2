-- What is known of a week, and of each of its days, years ahead: days at the start of a month, before
-- public days, after payday, before a school opens, in Ramadan; and the mean of the first two over
-- the 8 and the 26 weeks before. `weekday` is 0 for the whole week.
WITH days AS (
    SELECT
        week,
        day_of_week,
        day_of_month <= 5 AS is_month_start,
        days_to_event BETWEEN 0 AND 4 AS is_run_up,
        days_since_payday <= 10 AS is_paid,
        count(*) FILTER (WHERE is_school_day) OVER fortnight > 0 AS is_before_school,
        count(*) FILTER (WHERE event LIKE '%ramadan%') OVER moon > 0 AS is_ramadan
    FROM {{ ref('calendar') }}
    WINDOW
        fortnight AS (ORDER BY day ROWS BETWEEN CURRENT ROW AND 12 FOLLOWING),
        moon AS (ORDER BY day ROWS BETWEEN 29 PRECEDING AND CURRENT ROW)
),

weeks AS (
    SELECT
        days.week,
        spans.weekday,
        {% for name in ('month_start', 'run_up', 'paid', 'before_school', 'ramadan') -%}
        CAST(count(*) FILTER (WHERE is_{{ name }}) AS DOUBLE PRECISION) AS {{ name }}
        {{- ',' if not loop.last }}
        {% endfor %}
    FROM days
    INNER JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7)) AS spans (weekday)
        ON spans.weekday IN (0, days.day_of_week)
    WHERE days.week IN (SELECT week FROM days GROUP BY week HAVING count(*) = 7)
    GROUP BY days.week, spans.weekday
)

SELECT
    *,
    (avg(month_start) OVER eight + avg(month_start) OVER half) / 2 AS usual_month_start,
    (avg(run_up) OVER eight + avg(run_up) OVER half) / 2 AS usual_run_up
FROM weeks
WINDOW
    eight AS (PARTITION BY weekday ORDER BY week ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING),
    half AS (PARTITION BY weekday ORDER BY week ROWS BETWEEN 26 PRECEDING AND 1 PRECEDING)
