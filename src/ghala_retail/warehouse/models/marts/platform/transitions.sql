-- One row per move of a version: into which stage, who moved it, why, and until when it stood there
-- (a version leaves a stage when it moves on, or when another one comes into it).
WITH moves AS (
    SELECT number, use_case, version, as_of, recorded_at, actor, body ->> 'to' AS stage,
        body ->> 'reason' AS reason
    FROM {{ source('platform', 'facts') }}
    WHERE kind = 'transition'
),

left_stages AS (
    SELECT moves.number, min(later.number) AS left_by
    FROM moves
    INNER JOIN moves AS later
        ON later.use_case = moves.use_case AND later.number > moves.number
        AND (later.version = moves.version OR later.stage = moves.stage)
    WHERE moves.stage <> 'archived' OR later.version = moves.version
    GROUP BY moves.number
)

SELECT
    moves.number,
    moves.use_case,
    moves.version,
    moves.stage,
    moves.as_of,
    moves.recorded_at,
    later.recorded_at AS left_at,
    moves.actor,
    moves.reason
FROM moves
LEFT JOIN left_stages ON left_stages.number = moves.number
LEFT JOIN moves AS later ON later.number = left_stages.left_by
