-- One row per household that ever bought or is described.
WITH known AS (
    SELECT household_id FROM {{ source('raw', 'completejourney__transactions') }}
    UNION
    SELECT household_id FROM {{ source('raw', 'completejourney__demographics') }}
)

SELECT
    CAST(known.household_id AS VARCHAR) AS customer_id,
    demographics.age AS age_band,
    demographics.income AS income_band,
    demographics.household_size,
    demographics.kids_count AS children
FROM known
LEFT JOIN {{ source('raw', 'completejourney__demographics') }} AS demographics USING (household_id)
