-- One row per campaign and household that received it.
SELECT
    CAST(campaign_id AS VARCHAR) AS campaign_id,
    CAST(household_id AS VARCHAR) AS customer_id,
    true AS is_contacted,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'completejourney__campaigns') }}
