-- Whom to contact next, and with which offer: one row per customer that the version in production
-- chose on the newest day. Who takes part in a running campaign's lot is left to the lot.
WITH newest AS (
    SELECT max(as_of) AS as_of
    FROM {{ source('platform', 'marketing__targeting_predictions') }}
    WHERE role = 'champion'
)

SELECT
    said.customer_id,
    said.agent_id,
    said.as_of,
    said.offer,
    said.value AS expected_profit,
    said.uplift AS expected_uplift,
    said.version
FROM {{ source('platform', 'marketing__targeting_predictions') }} AS said
INNER JOIN newest ON newest.as_of = said.as_of
WHERE said.role = 'champion' AND said.decision > 0 AND said.lot_chance IS NULL
