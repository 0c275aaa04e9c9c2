-- One row per campaign.
SELECT
    CAST(campaign_id AS VARCHAR) AS campaign_id,
    campaign_type,
    start_date AS starts_on,
    end_date AS ends_on
FROM {{ source('raw', 'completejourney__campaign_descriptions') }}
