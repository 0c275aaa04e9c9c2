-- The price changes of the newest decisions, in the columns of a price list, so that they can be
-- loaded as they are. A cell under a randomised test keeps its price until the test ends, and what
-- breaks a guardrail is for a person to decide.
WITH newest AS (
    SELECT *, max(as_of) OVER () AS newest_as_of
    FROM {{ source('platform', 'finance__pricing_predictions') }}
    WHERE role = 'champion'
)

SELECT
    sku,
    zone,
    CAST(date_trunc('week', as_of) AS DATE) + 7 AS valid_from,
    CAST(decision AS DECIMAL(12, 2)) AS price,
    CAST(unit_cost AS DECIMAL(12, 2)) AS unit_cost,
    CAST(price_now AS DECIMAL(12, 2)) AS price_now,
    CAST(decision / price_now - 1 AS DECIMAL(8, 4)) AS step,
    reason,
    elasticity,
    elasticity_low,
    elasticity_high,
    CAST(gain AS DECIMAL(14, 2)) AS gain_a_week,
    probability,
    version,
    as_of
FROM newest
WHERE as_of = newest_as_of AND action = 'change' AND test_arm IS NULL AND infeasible IS NULL
