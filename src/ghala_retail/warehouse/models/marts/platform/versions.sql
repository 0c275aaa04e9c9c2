-- One row per version of a use case: when, by whom and why it was trained, and where it stands now.
WITH trainings AS (
    SELECT use_case, version, as_of, recorded_at, actor, body ->> 'run' AS run, words
    FROM {{ source('platform', 'facts') }}
    WHERE kind = 'training'
),

standing AS (
    SELECT use_case, version, stage, as_of
    FROM {{ ref('transitions') }}
    WHERE left_at IS NULL AND stage <> 'archived'
),

moved AS (SELECT DISTINCT use_case, version FROM {{ ref('transitions') }})

SELECT
    trainings.use_case,
    trainings.version,
    trainings.as_of AS trained_on,
    trainings.recorded_at AS trained_at,
    trainings.actor AS trained_by,
    trainings.run,
    trainings.words AS reason,
    CASE WHEN moved.version IS NOT NULL THEN coalesce(standing.stage, 'archived') END AS stage,
    standing.as_of AS in_stage_since
FROM trainings
LEFT JOIN standing
    ON standing.use_case = trainings.use_case AND standing.version = trainings.version
LEFT JOIN moved ON moved.use_case = trainings.use_case AND moved.version = trainings.version
