-- Who moved: customers by what one version called them on its newest day and on the one before. Two
-- versions name segments apart, so that no movement is told between them.
WITH days AS (
    SELECT
        version,
        as_of,
        lag(as_of) OVER (PARTITION BY version ORDER BY as_of) AS before,
        row_number() OVER (PARTITION BY version ORDER BY as_of DESC) AS age
    FROM (
        SELECT DISTINCT version, as_of
        FROM {{ source('platform', 'marketing__segmentation_predictions') }}
    ) AS scored
)

SELECT
    days.version,
    days.before AS from_day,
    days.as_of AS to_day,
    was.segment AS from_segment,
    was.stage AS from_stage,
    becomes.segment AS to_segment,
    becomes.stage AS to_stage,
    count(*) AS customers,
    CAST(sum(becomes.clv_52w - was.clv_52w) AS DOUBLE PRECISION) AS clv_52w_gained
FROM days
INNER JOIN {{ source('platform', 'marketing__segmentation_predictions') }} AS was
    ON was.version = days.version AND was.as_of = days.before
INNER JOIN {{ source('platform', 'marketing__segmentation_predictions') }} AS becomes
    ON becomes.version = days.version AND becomes.as_of = days.as_of
    AND becomes.customer_id = was.customer_id
WHERE days.age = 1 AND days.before IS NOT NULL
GROUP BY
    days.version, days.before, days.as_of, was.segment, was.stage, becomes.segment, becomes.stage
