-- What contacts brought: one row per version, role, campaign week, whether the version would have made
-- the campaign's offer, and whether the customer has an agent. By lot, so that the difference between
-- contacted and held-out customers is the campaign's doing. Money per customer, before the contact.
SELECT
    said.version,
    said.role,
    said.as_of,
    said.decision = said.lot_offer AS is_chosen,
    said.agent_id IS NOT NULL AS has_agent,
    count(*) AS customers,
    avg(said.lot_contact_cost) AS contact_cost,
    avg(CASE WHEN said.lot_contacted = 1 THEN happened.actual END) AS earned_contacted,
    avg(CASE WHEN said.lot_contacted = 0 THEN happened.actual END) AS earned_held_out,
    avg(CASE WHEN said.lot_contacted = 1 THEN happened.actual END)
    - avg(CASE WHEN said.lot_contacted = 0 THEN happened.actual END) AS uplift,
    avg(said.expected_with - said.expected_without) AS expected_uplift
FROM {{ source('platform', 'marketing__targeting_predictions') }} AS said
INNER JOIN {{ source('platform', 'marketing__targeting_outcomes') }} AS happened
    ON happened.customer_id = said.customer_id AND happened.as_of = said.as_of
WHERE said.lot_offer IS NOT NULL
GROUP BY said.version, said.role, said.as_of, said.decision = said.lot_offer,
    said.agent_id IS NOT NULL
