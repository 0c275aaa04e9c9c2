-- What then happened: what the next campaign with the offer earned per customer of the segment over
-- those held out by lot, once its end was known.
WITH next AS (
    SELECT origins.as_of, effects.offer, effects.segment, min(effects.starts_on) AS starts_on
    FROM origins
    INNER JOIN marts_marketing.campaign_effects AS effects ON effects.starts_on >= origins.as_of
    GROUP BY origins.as_of, effects.offer, effects.segment
)

SELECT
    next.as_of,
    next.segment,
    'offer:' || next.offer AS item,
    max(effects.known_on) AS known_on,
    avg(effects.effect) AS actual
FROM next
INNER JOIN marts_marketing.campaign_effects AS effects
    ON effects.offer = next.offer AND effects.segment = next.segment
    AND effects.starts_on = next.starts_on
GROUP BY next.as_of, next.segment, next.offer
