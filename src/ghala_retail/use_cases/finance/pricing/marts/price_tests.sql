-- The randomised test of the coming block: which price each drawn SKU and zone gets, and what the
-- block can show of its category. Controls are listed too: they must not be repriced meanwhile.
WITH newest AS (
    SELECT *, max(as_of) OVER () AS newest_as_of
    FROM {{ source('platform', 'finance__pricing_predictions') }}
    WHERE role = 'champion'
)

SELECT
    sku,
    zone,
    CAST(next_block AS DATE) AS valid_from,
    next_arm AS test_arm,
    CAST(round(CAST(price_now * next_factor AS DECIMAL(12, 2))) AS DECIMAL(12, 2)) AS price,
    CAST(price_now AS DECIMAL(12, 2)) AS price_now,
    elasticity,
    detectable AS detectable_difference,
    version,
    as_of
FROM newest
WHERE as_of = newest_as_of AND next_arm IS NOT NULL
