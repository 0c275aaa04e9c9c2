-- What is decided: the price of every SKU in every zone that has one at `as_of`, with what was known
-- then of its cost, its test, its promotions of the week and the competitors' prices. Prices are
-- those of the list; where a source has none, what was paid for the SKU before discounts over the
-- last four weeks stands for it, if it sold eight units at least.
WITH days AS (
    SELECT as_of, CAST(date_trunc('week', as_of) AS DATE) AS this_week FROM origins
),

back AS (
    SELECT as_of, CAST(this_week - weeks * 7 AS DATE) AS week
    FROM days
    CROSS JOIN (VALUES (1), (2), (3), (4)) AS steps (weeks)
),

listed AS (
    SELECT
        days.as_of, prices.sku, coalesce(prices.zone, 'all') AS zone, prices.price,
        prices.unit_cost, prices.test_arm,
        row_number() OVER (
            PARTITION BY days.as_of, prices.sku, prices.zone
            ORDER BY prices.valid_from DESC, prices.source
        ) AS newness
    FROM days
    INNER JOIN core.prices AS prices
        ON prices.known_on <= days.as_of
        AND (prices.superseded_on IS NULL OR prices.superseded_on > days.as_of)
        AND prices.valid_from <= days.as_of
        AND (prices.valid_to IS NULL OR prices.valid_to > days.as_of)
),

paid AS (
    SELECT
        back.as_of, sales.sku, coalesce(locations.zone, 'all') AS zone,
        sum(sales.revenue + sales.discount) / sum(sales.units) AS price
    FROM back
    INNER JOIN core.sku_location_week AS sales
        ON sales.week = back.week AND sales.known_on <= back.as_of
    INNER JOIN core.locations AS locations ON locations.location_id = sales.location_id
    WHERE NOT EXISTS (SELECT 1 FROM core.prices)
    GROUP BY back.as_of, sales.sku, coalesce(locations.zone, 'all')
    HAVING sum(sales.units) >= 8
),

priced AS (
    SELECT as_of, sku, zone, price, unit_cost, test_arm
    FROM listed
    WHERE newness = 1
    UNION ALL
    SELECT as_of, sku, zone, price, NULL, NULL
    FROM paid
),

places AS (
    SELECT coalesce(zone, 'all') AS zone, count(*) AS places
    FROM core.locations
    GROUP BY coalesce(zone, 'all')
),

promoted AS (
    SELECT
        days.as_of, plan.sku, places.zone,
        sum(plan.promoted_share) / max(places.places) AS promoted_share,
        sum(plan.featured_share) / max(places.places) AS featured_share,
        sum(plan.discount_share) / max(places.places) AS discount_share
    FROM days
    INNER JOIN features.planned_weeks AS plan
        ON plan.week = days.this_week AND plan.known_on <= days.as_of
        AND (plan.superseded_on IS NULL OR plan.superseded_on > days.as_of)
    INNER JOIN core.locations AS locations ON locations.location_id = plan.location_id
    INNER JOIN places ON places.zone = coalesce(locations.zone, 'all')
    GROUP BY days.as_of, plan.sku, places.zone
),

rivals AS (
    SELECT back.as_of, theirs.sku, avg(theirs.price) AS competitor_price
    FROM (SELECT as_of, week FROM back) AS back
    INNER JOIN core.competitor_prices AS theirs
        ON CAST(date_trunc('week', theirs.scraped_on) AS DATE) = back.week
        AND theirs.known_on <= back.as_of
        AND (theirs.superseded_on IS NULL OR theirs.superseded_on > back.as_of)
    WHERE theirs.price > 0 AND theirs.scraped_on >= back.as_of - 14
    GROUP BY back.as_of, theirs.sku
),

relayed AS (
    SELECT
        back.as_of, coalesce(locations.zone, 'all') AS zone,
        avg(CASE WHEN orders.channel = 'agent' THEN 1.0 ELSE 0.0 END) AS agent_share
    FROM back
    INNER JOIN core.orders AS orders
        ON CAST(date_trunc('week', orders.ordered_on) AS DATE) = back.week
        AND orders.known_on <= back.as_of
        AND (orders.superseded_on IS NULL OR orders.superseded_on > back.as_of)
    INNER JOIN core.locations AS locations ON locations.location_id = orders.location_id
    GROUP BY back.as_of, coalesce(locations.zone, 'all')
)

SELECT
    priced.as_of,
    priced.sku,
    priced.zone,
    products.category,
    coalesce(products.subcategory, products.category) AS subcategory,
    CAST(coalesce(products.is_kvi, false) AS INTEGER) AS is_kvi,
    CAST(coalesce(products.vat_rate, 0) AS DOUBLE PRECISION) AS vat_rate,
    CAST(priced.price AS DOUBLE PRECISION) AS price,
    CAST(priced.unit_cost AS DOUBLE PRECISION) AS unit_cost,
    priced.test_arm,
    coalesce(CAST(promoted.promoted_share AS DOUBLE PRECISION), 0) AS promoted_share,
    coalesce(CAST(promoted.featured_share AS DOUBLE PRECISION), 0) AS featured_share,
    coalesce(CAST(promoted.discount_share AS DOUBLE PRECISION), 0) AS discount_share,
    CAST(rivals.competitor_price AS DOUBLE PRECISION) AS competitor_price,
    coalesce(CAST(relayed.agent_share AS DOUBLE PRECISION), 0) AS agent_share
FROM priced
INNER JOIN core.products AS products ON products.sku = priced.sku
LEFT JOIN promoted
    ON promoted.as_of = priced.as_of AND promoted.sku = priced.sku AND promoted.zone = priced.zone
LEFT JOIN rivals ON rivals.as_of = priced.as_of AND rivals.sku = priced.sku
LEFT JOIN relayed ON relayed.as_of = priced.as_of AND relayed.zone = priced.zone
WHERE (products.launched_on IS NULL OR products.launched_on <= priced.as_of)
    AND (products.delisted_on IS NULL OR products.delisted_on > priced.as_of)
