-- One row per alert that the watch over a model raised.
SELECT number, use_case, version, as_of, recorded_at, body ->> 'message' AS message
FROM {{ source('platform', 'facts') }}
WHERE kind = 'alert'
