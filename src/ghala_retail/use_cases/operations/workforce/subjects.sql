-- What is decided: the people of every depot, task and shift on the seven days from `as_of`, with
-- the calendar as known then.
WITH depots AS (
    SELECT origins.as_of, history.location_id
    FROM origins
    INNER JOIN core.location_history AS history
        ON history.known_on <= origins.as_of
        AND (history.superseded_on IS NULL OR history.superseded_on > origins.as_of)
        AND (history.valid_from IS NULL OR history.valid_from <= origins.as_of)
        AND (history.valid_to IS NULL OR history.valid_to > origins.as_of)
    WHERE coalesce(history.location_kind, 'depot') = 'depot'
)

SELECT
    depots.as_of,
    depots.location_id,
    tasks.task,
    shifts.shift,
    calendar.day,
    CAST(calendar.day - depots.as_of AS BIGINT) AS days_ahead,
    calendar.day_of_week AS weekday,
    'location_day' AS grain,
    depots.location_id || '|' || CAST(calendar.day_of_week AS VARCHAR) AS series,
    calendar.day_of_month,
    calendar.days_since_payday,
    calendar.days_to_event,
    CASE WHEN calendar.is_public_day THEN 1 ELSE 0 END AS public_day,
    CASE WHEN calendar.is_religious_day THEN 1 ELSE 0 END AS religious_day,
    CASE WHEN calendar.is_school_day THEN 1 ELSE 0 END AS school_day
FROM depots
INNER JOIN core.calendar AS calendar ON calendar.day BETWEEN depots.as_of AND depots.as_of + 6
CROSS JOIN (VALUES ('pick'), ('pack'), ('sort'), ('transport')) AS tasks (task)
CROSS JOIN (VALUES ('early'), ('midday'), ('afternoon'), ('evening')) AS shifts (shift)
