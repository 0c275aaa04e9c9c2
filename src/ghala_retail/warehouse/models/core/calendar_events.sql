-- One row per event, day and state in which it was known. A day that waits for the moon gives way
-- to the confirmed day of the same event within three days of it.
WITH states AS (
    {{ as_known('calendar_events', ['event', 'day'], {
        'event': 'varchar', 'day': 'date', 'kind': 'varchar', 'is_confirmed': 'boolean',
    }) }}
),

moved AS (
    SELECT
        awaited.source,
        awaited.event,
        awaited.day,
        awaited.batch,
        min(sighted.known_on) AS moved_on
    FROM states AS awaited
    INNER JOIN states AS sighted
        ON sighted.source = awaited.source AND sighted.event = awaited.event
        AND sighted.day <> awaited.day AND sighted.day BETWEEN awaited.day - 3 AND awaited.day + 3
        AND sighted.batch > awaited.batch
    WHERE NOT awaited.is_confirmed AND sighted.is_confirmed
    GROUP BY awaited.source, awaited.event, awaited.day, awaited.batch
)

SELECT
    states.source,
    states.event,
    states.day,
    states.kind,
    states.is_confirmed,
    states.known_on,
    least(states.superseded_on, moved.moved_on) AS superseded_on,
    states.batch
FROM states
LEFT JOIN moved
    ON moved.source = states.source AND moved.event = states.event
    AND moved.day = states.day AND moved.batch = states.batch
