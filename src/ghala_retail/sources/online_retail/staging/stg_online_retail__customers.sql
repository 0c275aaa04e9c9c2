-- One row per customer with an account.
SELECT DISTINCT
    customer_id,
    CAST(NULL AS VARCHAR) AS age_band,
    CAST(NULL AS VARCHAR) AS income_band,
    CAST(NULL AS VARCHAR) AS household_size,
    CAST(NULL AS VARCHAR) AS children
FROM {{ source('raw', 'online_retail__invoices') }}
WHERE customer_id IS NOT NULL
