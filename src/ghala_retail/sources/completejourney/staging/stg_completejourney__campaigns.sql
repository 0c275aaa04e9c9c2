-- One row per campaign.
SELECT
    CAST(campaign_id AS VARCHAR) AS campaign_id,
    campaign_type,
    start_date AS starts_on,
    end_date AS ends_on,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'completejourney__campaign_descriptions') }}
