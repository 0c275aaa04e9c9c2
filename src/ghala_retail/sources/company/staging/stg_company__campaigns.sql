-- One row per campaign.
SELECT
    campaign_id,
    offer AS campaign_type,
    starts_on,
    ends_on,
    contact_cost_kes AS contact_cost,
    discount_kes AS discount,
    'KES' AS currency,
    holdout_share,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__campaigns') }}
