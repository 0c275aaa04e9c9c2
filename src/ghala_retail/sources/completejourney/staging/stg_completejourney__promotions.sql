-- One row per SKU, store and week with something planned. Week 2 of the data starts 2017-01-02.
SELECT
    CAST(product_id AS VARCHAR) AS sku,
    CAST(store_id AS VARCHAR) AS location_id,
    CAST(DATE '2017-01-02' + 7 * (week - 2) AS DATE) AS week,
    mailer_location <> '0' AS in_mailer,
    mailer_location IN ('D', 'H', 'Z') AS on_front_page,
    mailer_location IN ('F', 'L') AS on_back_page,
    mailer_location IN ('J', 'P', 'X', 'Z') AS is_coupon_or_feature,
    display_location <> '0' AS on_display,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'completejourney__promotions') }}
