-- One row per basket and SKU. Amounts are USD; days are local to the stores.
SELECT
    CAST(basket_id AS VARCHAR) AS order_id,
    CAST(product_id AS VARCHAR) AS sku,
    CAST(household_id AS VARCHAR) AS customer_id,
    CAST(store_id AS VARCHAR) AS location_id,
    transaction_timestamp AS ordered_at,
    CAST(
        transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York' AS DATE
    ) AS ordered_on,
    quantity AS units,
    sales_value AS revenue,
    retail_disc + coupon_disc + coupon_match_disc AS discount,
    'USD' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'completejourney__transactions') }}
