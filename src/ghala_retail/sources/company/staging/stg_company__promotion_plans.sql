-- One row per promotion, SKU, depot and delivery of the plan.
SELECT
    promotion_id,
    event,
    sku,
    depot_id AS location_id,
    starts_on,
    ends_on,
    discount AS discount_share,
    is_featured,
    is_cancelled,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__promotions') }}
