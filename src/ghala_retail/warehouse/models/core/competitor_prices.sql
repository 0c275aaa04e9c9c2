{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'competitor', 'sku', 'scraped_on']) }}

-- One row per competitor, SKU, day of the scrape and state in which it was known.
{{ as_known('competitor_prices', ['competitor', 'sku', 'scraped_on'], {
    'competitor': 'varchar', 'sku': 'varchar', 'scraped_on': 'date', 'price': 'decimal(12,2)',
    'currency': 'varchar',
}) }}
