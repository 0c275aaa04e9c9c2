-- One row per competitor, SKU and day of the scrape.
SELECT
    competitor,
    sku,
    scraped_on,
    price_kes AS price,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ source('raw', 'company__competitor_prices') }}
