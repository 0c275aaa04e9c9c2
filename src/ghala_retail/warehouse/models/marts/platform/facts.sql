-- One row per fact of the ledger, as a sentence.
SELECT number, kind, use_case, version, as_of, recorded_at, actor, words
FROM {{ source('platform', 'facts') }}
