-- One row per day from a year before the first order to a year after the last, with what is known
-- now of its events. `days_to_event` looks 13 days ahead to public and religious days.
WITH bounds AS (
    SELECT min(ordered_on) - 365 AS first_day, max(ordered_on) + 365 AS last_day
    FROM {{ ref('order_lines') }}
),

days AS (
    SELECT CAST({{ each_day('first_day', 'last_day') }} AS DATE) AS day
    FROM bounds
),

events AS (
    SELECT event, day, coalesce(kind, 'public') AS kind
    FROM {{ ref('calendar_events') }}
    WHERE superseded_on IS NULL
),

marked AS (
    SELECT
        days.day,
        CAST(
            min(events.day - days.day) FILTER (WHERE events.kind IN ('public', 'religious')) AS BIGINT
        ) AS days_to_event,
        string_agg(events.event, ', ' ORDER BY events.event)
            FILTER (WHERE events.day = days.day AND events.kind <> 'payday') AS event,
        count(*) FILTER (WHERE events.day = days.day AND events.kind = 'public') > 0 AS is_public_day,
        count(*) FILTER (WHERE events.day = days.day AND events.kind = 'religious') > 0
            AS is_religious_day,
        count(*) FILTER (WHERE events.day = days.day AND events.kind = 'school') > 0 AS is_school_day,
        count(*) FILTER (WHERE events.day = days.day AND events.kind = 'election') > 0
            AS is_election_day
    FROM days
    LEFT JOIN events ON events.day BETWEEN days.day AND days.day + 13
    GROUP BY days.day
),

paid AS (
    SELECT days.day, min(days.day - events.day) AS days_since_payday
    FROM days
    INNER JOIN events ON events.kind = 'payday' AND events.day BETWEEN days.day - 31 AND days.day
    GROUP BY days.day
)

SELECT
    marked.day,
    CAST(date_trunc('week', marked.day) AS DATE) AS week,
    CAST(extract('day' FROM marked.day) AS BIGINT) AS day_of_month,
    CAST(extract('isodow' FROM marked.day) AS BIGINT) AS day_of_week,
    marked.event,
    marked.days_to_event,
    marked.is_public_day,
    marked.is_religious_day,
    marked.is_school_day,
    marked.is_election_day,
    CAST(paid.days_since_payday AS BIGINT) AS days_since_payday
FROM marked
LEFT JOIN paid ON paid.day = marked.day
