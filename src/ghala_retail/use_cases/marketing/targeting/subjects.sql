-- Who may be contacted in the week of `as_of`: every customer known by then, with what the company
-- knows about the customer; and, for those whom the lot of a campaign that starts in this week drew,
-- that campaign's offer and on which side of the lot they are. One in ten is held out of every choice.
WITH coming AS (
    SELECT origins.as_of, campaigns.*
    FROM origins
    INNER JOIN core.campaigns
        ON campaigns.starts_on >= origins.as_of AND campaigns.starts_on < origins.as_of + 7
        AND campaigns.known_on <= origins.as_of
),

drawn AS (
    SELECT
        coming.as_of,
        lots.customer_id,
        min(coming.campaign_type) AS lot_offer,
        min(CAST(coming.contact_cost AS DOUBLE PRECISION)) AS lot_contact_cost,
        min(CAST(coming.discount AS DOUBLE PRECISION)) AS lot_discount,
        max(CASE WHEN lots.is_contacted THEN 1 ELSE 0 END) AS lot_contacted,
        min(lots.propensity) AS lot_propensity
    FROM coming
    INNER JOIN core.campaign_exposures AS lots
        ON lots.source = coming.source AND lots.campaign_id = coming.campaign_id
        AND lots.known_on <= coming.as_of
        AND (lots.superseded_on IS NULL OR lots.superseded_on > coming.as_of)
    GROUP BY coming.as_of, lots.customer_id
),

recent AS (
    SELECT origins.as_of, lots.customer_id, count(*) AS contacts
    FROM origins
    INNER JOIN core.campaigns
        ON campaigns.starts_on >= origins.as_of - 56 AND campaigns.starts_on < origins.as_of
    INNER JOIN core.campaign_exposures AS lots
        ON lots.source = campaigns.source AND lots.campaign_id = campaigns.campaign_id
        AND lots.known_on <= origins.as_of
        AND (lots.superseded_on IS NULL OR lots.superseded_on > origins.as_of)
    WHERE lots.is_contacted
    GROUP BY origins.as_of, lots.customer_id
),

people AS (
    SELECT
        origins.as_of,
        known.customer_id,
        known.location_id,
        CASE WHEN known.agent_id IS NULL THEN 0 ELSE 1 END AS has_agent,
        known.agent_id,
        CAST(origins.as_of - known.registered_on AS INTEGER) AS days_registered
    FROM origins
    INNER JOIN core.customer_history AS known
        ON known.known_on <= origins.as_of
        AND (known.superseded_on IS NULL OR known.superseded_on > origins.as_of)
        AND known.valid_from <= origins.as_of
        AND (known.valid_to IS NULL OR known.valid_to > origins.as_of)
)

SELECT
    people.*,
    CASE WHEN md5(concat_ws('|', 'hold-out', people.customer_id)) < '1999999a' THEN 1 ELSE 0 END
        AS is_held_out,
    coalesce(recent.contacts, 0) AS recent_contacts,
    drawn.lot_offer,
    drawn.lot_contact_cost,
    drawn.lot_discount,
    drawn.lot_contacted,
    drawn.lot_propensity
FROM people
LEFT JOIN drawn ON drawn.as_of = people.as_of AND drawn.customer_id = people.customer_id
LEFT JOIN recent ON recent.as_of = people.as_of AND recent.customer_id = people.customer_id
