-- One row per landed file and what became of its rows.
SELECT
    batches.batch,
    batches.source,
    batches.feed,
    batches.file,
    batches.sha256,
    batches.arrived_on,
    batches.rows_in,
    batches.rows_loaded,
    batches.rows_quarantined,
    releases.into_batch IS NOT NULL AS is_release
FROM {{ source('raw', 'batches') }} AS batches
LEFT JOIN (SELECT DISTINCT into_batch FROM {{ source('raw', 'releases') }}) AS releases
    ON releases.into_batch = batches.batch
