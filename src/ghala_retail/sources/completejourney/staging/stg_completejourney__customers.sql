-- One row per household that ever bought or is described.
WITH seen AS (
    SELECT household_id, _arrived_on, _batch
    FROM {{ source('raw', 'completejourney__transactions') }}
    UNION ALL
    SELECT household_id, _arrived_on, _batch
    FROM {{ source('raw', 'completejourney__demographics') }}
),

known AS (
    SELECT household_id, min(_arrived_on) AS known_on, min(_batch) AS batch
    FROM seen
    GROUP BY household_id
)

SELECT
    CAST(known.household_id AS VARCHAR) AS customer_id,
    demographics.age AS age_band,
    demographics.income AS income_band,
    demographics.household_size,
    demographics.kids_count AS children,
    known.known_on,
    known.batch
FROM known
LEFT JOIN {{ source('raw', 'completejourney__demographics') }} AS demographics
    ON demographics.household_id = known.household_id
