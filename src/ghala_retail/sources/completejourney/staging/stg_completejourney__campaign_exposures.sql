-- One row per campaign and household that received it.
SELECT
    CAST(campaign_id AS VARCHAR) AS campaign_id,
    CAST(household_id AS VARCHAR) AS customer_id
FROM {{ source('raw', 'completejourney__campaigns') }}
