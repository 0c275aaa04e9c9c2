-- One row per source, feed, day of arrival and rule that refused rows: how many, and how many of
-- them were released since. A row that breaks two rules counts under both.
WITH refused AS (
    SELECT batch, row_number, source, feed, unnest(reasons) AS rule
    FROM {{ source('raw', 'quarantine') }}
)

SELECT
    refused.source,
    refused.feed,
    batches.arrived_on,
    refused.rule,
    count(*) AS rows_refused,
    count(releases.batch) AS rows_released
FROM refused
INNER JOIN {{ source('raw', 'batches') }} AS batches ON batches.batch = refused.batch
LEFT JOIN {{ source('raw', 'releases') }} AS releases
    ON releases.batch = refused.batch AND releases.row_number = refused.row_number
GROUP BY refused.source, refused.feed, batches.arrived_on, refused.rule
