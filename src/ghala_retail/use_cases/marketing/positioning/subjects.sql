-- What could be put before each segment: every offer, with what campaigns of the last year earned in
-- the segment and over everyone, and every category, brand and price tier with the lines that the
-- segment bought in 13 weeks; as known at `as_of`. Before customers were labelled there is one
-- segment, `everyone`.
WITH days AS (
    SELECT origins.as_of, max(said.as_of) AS labelled_on
    FROM origins
    LEFT JOIN (
        SELECT DISTINCT as_of
        FROM platform.marketing__segmentation_predictions
        WHERE role = 'champion'
    ) AS said ON said.as_of <= origins.as_of
    GROUP BY origins.as_of
),

labels AS (
    SELECT days.as_of, said.customer_id, said.segment
    FROM days
    INNER JOIN platform.marketing__segmentation_predictions AS said
        ON said.as_of = days.labelled_on AND said.role = 'champion'
    UNION ALL
    SELECT DISTINCT days.as_of, lines.customer_id, 'everyone'
    FROM days
    INNER JOIN core.order_lines AS lines
        ON lines.ordered_on < days.as_of AND lines.known_on <= days.as_of
        AND lines.customer_id IS NOT NULL
    WHERE days.labelled_on IS NULL
),

segments AS (
    SELECT as_of, segment, CAST(count(*) AS DOUBLE PRECISION) AS customers
    FROM labels
    GROUP BY as_of, segment
),

offers AS (
    SELECT DISTINCT origins.as_of, campaigns.campaign_type AS offer
    FROM origins
    INNER JOIN core.campaigns AS campaigns ON campaigns.known_on <= origins.as_of
),

evidence AS (
    SELECT
        origins.as_of,
        effects.segment,
        effects.offer,
        sum(effects.effect / (effects.error * effects.error))
        / sum(1 / (effects.error * effects.error)) AS effect,
        1 / sqrt(sum(1 / (effects.error * effects.error))) AS error
    FROM origins
    INNER JOIN marts_marketing.campaign_effects AS effects
        ON effects.known_on <= origins.as_of AND effects.ends_on >= origins.as_of - 364
    WHERE effects.error > 0
    GROUP BY origins.as_of, effects.segment, effects.offer
),

bought AS (
    SELECT
        labels.as_of,
        labels.segment,
        products.category,
        products.brand,
        products.tier,
        CAST(count(*) AS DOUBLE PRECISION) AS lines
    FROM labels
    INNER JOIN core.order_lines AS lines
        ON lines.customer_id = labels.customer_id
        AND lines.ordered_on >= labels.as_of - 91 AND lines.ordered_on < labels.as_of
        AND lines.known_on <= labels.as_of
        AND (lines.superseded_on IS NULL OR lines.superseded_on > labels.as_of)
    INNER JOIN core.product_history AS products
        ON products.source = lines.source AND products.sku = lines.sku
        AND products.known_on <= labels.as_of
        AND (products.superseded_on IS NULL OR products.superseded_on > labels.as_of)
        AND products.valid_from <= labels.as_of
        AND (products.valid_to IS NULL OR products.valid_to > labels.as_of)
    WHERE NOT lines.is_cancelled
    GROUP BY labels.as_of, labels.segment, products.category, products.brand, products.tier
),

items AS (
    SELECT as_of, segment, 'category:' || category AS item, sum(lines) AS lines
    FROM bought WHERE category IS NOT NULL GROUP BY as_of, segment, category
    UNION ALL
    SELECT as_of, segment, 'brand:' || brand, sum(lines)
    FROM bought WHERE brand IS NOT NULL GROUP BY as_of, segment, brand
    UNION ALL
    SELECT as_of, segment, 'tier:' || tier, sum(lines)
    FROM bought WHERE tier IS NOT NULL GROUP BY as_of, segment, tier
)

SELECT
    segments.as_of,
    segments.segment,
    'offer:' || offers.offer AS item,
    segments.customers,
    CAST(NULL AS DOUBLE PRECISION) AS lines,
    own.effect,
    own.error,
    overall.effect AS overall_effect,
    overall.error AS overall_error
FROM segments
INNER JOIN offers ON offers.as_of = segments.as_of
LEFT JOIN evidence AS own
    ON own.as_of = segments.as_of AND own.segment = segments.segment AND own.offer = offers.offer
LEFT JOIN evidence AS overall
    ON overall.as_of = segments.as_of AND overall.segment = 'everyone'
    AND overall.offer = offers.offer
UNION ALL
SELECT items.as_of, items.segment, items.item, segments.customers, items.lines, NULL, NULL, NULL, NULL
FROM items
INNER JOIN segments ON segments.as_of = items.as_of AND segments.segment = items.segment
