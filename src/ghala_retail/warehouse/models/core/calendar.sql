-- Every day from a year before the first order to a year after the last.
WITH bounds AS (
    SELECT min(ordered_on) - 365 AS first_day, max(ordered_on) + 365 AS last_day
    FROM {{ ref('order_lines') }}
),

days AS (
    SELECT CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) AS day
    FROM bounds
),

marked AS (
    SELECT
        days.day,
        CAST(date_trunc('week', days.day) AS DATE) AS week,
        min(date_diff('day', days.day, events.day)) AS days_to_event,
        string_agg(CASE WHEN events.day = days.day THEN events.event END, ', ') AS event
    FROM days
    LEFT JOIN {{ ref('calendar_events') }} AS events
        ON events.day BETWEEN days.day AND days.day + 13
    GROUP BY days.day
)

SELECT *, extract('day' FROM day) AS day_of_month, extract('isodow' FROM day) AS day_of_week
FROM marked
