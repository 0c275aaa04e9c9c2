-- One row per request for an approval, approval and rejection.
SELECT
    number,
    use_case,
    version,
    kind,
    as_of,
    recorded_at,
    actor,
    body ->> 'role' AS role_asked,
    body ->> 'comment' AS comment
FROM {{ source('platform', 'facts') }}
WHERE kind IN ('request', 'approval', 'rejection')
