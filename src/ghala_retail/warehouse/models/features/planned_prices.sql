-- The list price of a SKU in a zone in the middle of a week, in every state in which it was known
-- from the four weeks before on. What was known on a day D are the rows with
-- `known_on <= D AND (superseded_on IS NULL OR superseded_on > D)`.
WITH bounds AS (SELECT max(week) + 35 AS last_day FROM {{ ref('demand_sales') }}),

zones AS (SELECT DISTINCT source, zone FROM {{ ref('locations') }} WHERE zone IS NOT NULL),

spans AS (
    SELECT
        prices.sku,
        zones.zone,
        prices.price,
        prices.source,
        prices.known_on,
        prices.superseded_on,
        prices.batch,
        greatest(prices.valid_from, prices.known_on - 7) AS from_day,
        least(
            coalesce(prices.valid_to - 1, bounds.last_day),
            coalesce(prices.superseded_on + 28, bounds.last_day)
        ) AS to_day
    FROM {{ ref('prices') }} AS prices
    INNER JOIN zones
        ON zones.source = prices.source AND (prices.zone IS NULL OR prices.zone = zones.zone)
    CROSS JOIN bounds
),

wednesdays AS (
    SELECT
        spans.*,
        CAST({{ each_day(
            "from_day + CAST((10 - extract('isodow' FROM from_day)) % 7 AS INTEGER)", 'to_day', every=7
        ) }} AS DATE) AS day
    FROM spans
)

SELECT
    source,
    sku,
    zone,
    CAST(day - 2 AS DATE) AS week,
    known_on,
    superseded_on,
    max(batch) AS batch,
    CAST(max(price) AS DOUBLE PRECISION) AS list_price
FROM wednesdays
GROUP BY source, sku, zone, day, known_on, superseded_on
