{{ config(materialized='view') }}

-- The planned price of a SKU in a zone and week, in every state in which it was known. A price that
-- was decided stands beside the list's, and goes before it.
SELECT
    sku,
    place AS zone,
    week,
    known_on,
    superseded_on,
    list_price,
    what = 'decided price' AS is_decided
FROM {{ ref('plan_snapshot') }}
WHERE what IN ('list price', 'decided price')
