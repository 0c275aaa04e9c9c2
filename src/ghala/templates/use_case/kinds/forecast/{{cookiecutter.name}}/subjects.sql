-- What is forecast: the units of every SKU that sold in the 84 days before `as_of`, for the week of
-- that day and the one after it, with what was known by then. The rates are units per week since the
-- first sale among those days, so that a new SKU is not taken for a slow one.
WITH sold AS (
    SELECT
        origins.as_of,
        lines.sku AS series,
        greatest((origins.as_of - min(lines.ordered_on)) / 7.0, 1) AS weeks,
        sum(CASE WHEN lines.ordered_on >= origins.as_of - 7 THEN lines.units ELSE 0 END) AS units_1,
        sum(CASE WHEN lines.ordered_on >= origins.as_of - 28 THEN lines.units ELSE 0 END) AS units_4,
        sum(lines.units) AS units_12
    FROM origins
    INNER JOIN core.order_lines AS lines
        ON lines.ordered_on >= origins.as_of - 84 AND lines.ordered_on < origins.as_of
        AND lines.known_on <= origins.as_of
        AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of)
    GROUP BY origins.as_of, lines.sku
)

SELECT
    sold.as_of,
    'sku' AS grain,
    sold.series,
    steps.horizon,
    CAST(CAST(date_trunc('week', sold.as_of) AS DATE) + 7 * (steps.horizon - 1) AS DATE)
        AS target_week,
    CAST(sold.units_1 AS DOUBLE PRECISION) AS weekly_1,
    CAST(sold.units_4 / least(sold.weeks, 4) AS DOUBLE PRECISION) AS weekly_4,
    CAST(sold.units_12 / sold.weeks AS DOUBLE PRECISION) AS weekly_12
FROM sold
CROSS JOIN (VALUES (1), (2)) AS steps (horizon)
