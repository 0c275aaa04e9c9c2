-- One row per SKU, zone and competitor with a price of the last fortnight (or none at all): the
-- list price that holds on the newest day of arrival beside the competitor's, both with VAT.
WITH today AS (SELECT max(arrived_on) AS day FROM {{ source('raw', 'batches') }}),

ours AS (
    SELECT prices.*
    FROM {{ ref('prices') }} AS prices
    INNER JOIN today
        ON prices.valid_from <= today.day
        AND (prices.valid_to IS NULL OR prices.valid_to > today.day)
    WHERE prices.superseded_on IS NULL
),

scraped AS (
    SELECT
        theirs.*,
        row_number() OVER (
            PARTITION BY theirs.source, theirs.competitor, theirs.sku
            ORDER BY theirs.scraped_on DESC
        ) AS newness
    FROM {{ ref('competitor_prices') }} AS theirs
    INNER JOIN today ON theirs.scraped_on BETWEEN today.day - 13 AND today.day
    WHERE theirs.superseded_on IS NULL
)

SELECT
    ours.sku,
    ours.zone,
    scraped.competitor,
    products.name,
    products.category,
    products.tier,
    products.is_kvi,
    ours.price,
    ours.unit_cost,
    ours.currency,
    ours.valid_from,
    CAST(ours.price / (1 + products.vat_rate) - ours.unit_cost AS DECIMAL(12, 2)) AS unit_margin,
    scraped.price AS competitor_price,
    scraped.scraped_on,
    CAST(ours.price / nullif(scraped.price, 0) AS DECIMAL(10, 4)) AS price_index
FROM ours
LEFT JOIN scraped
    ON scraped.source = ours.source AND scraped.sku = ours.sku AND scraped.newness = 1
LEFT JOIN {{ ref('products') }} AS products
    ON products.source = ours.source AND products.sku = ours.sku
