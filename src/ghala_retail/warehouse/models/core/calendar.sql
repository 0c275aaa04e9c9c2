-- Every day from a year before the first order to a year after the last.
WITH bounds AS (
    SELECT min(ordered_on) - 365 AS first_day, max(ordered_on) + 365 AS last_day
    FROM {{ ref('order_lines') }}
),

days AS (
    SELECT CAST({{ each_day('first_day', 'last_day') }} AS DATE) AS day
    FROM bounds
),

marked AS (
    SELECT
        days.day,
        CAST(date_trunc('week', days.day) AS DATE) AS week,
        CAST(min(events.day - days.day) AS BIGINT) AS days_to_event,
        string_agg(CASE WHEN events.day = days.day THEN events.event END, ', ' ORDER BY events.event) AS event
    FROM days
    LEFT JOIN {{ ref('calendar_events') }} AS events
        ON events.day BETWEEN days.day AND days.day + 13
    GROUP BY days.day
)

SELECT
    *,
    CAST(extract('day' FROM day) AS BIGINT) AS day_of_month,
    CAST(extract('isodow' FROM day) AS BIGINT) AS day_of_week
FROM marked
