-- One row per campaign and customer drawn, contacted or held out.
SELECT
    campaign_id,
    CAST(customer_id AS VARCHAR) AS customer_id,
    is_contacted,
    propensity,
    assigned_on,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__assignments') }}
