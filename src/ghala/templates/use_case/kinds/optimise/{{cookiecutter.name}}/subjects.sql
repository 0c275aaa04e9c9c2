-- What is decided on: every SKU that sold in the 28 days before `as_of`, with what was known by then.
SELECT
    origins.as_of,
    lines.sku,
    CAST(sum(CASE WHEN lines.ordered_on >= origins.as_of - 7 THEN lines.units ELSE 0 END)
        AS DOUBLE PRECISION) AS weekly_1,
    CAST(sum(lines.units) AS DOUBLE PRECISION) / 4 AS weekly_4,
    CAST(sum(lines.revenue) AS DOUBLE PRECISION) / nullif(sum(lines.units), 0) AS price
FROM origins
INNER JOIN core.order_lines AS lines
    ON lines.ordered_on >= origins.as_of - 28 AND lines.ordered_on < origins.as_of
    AND lines.known_on <= origins.as_of
    AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of)
WHERE lines.units > 0
GROUP BY origins.as_of, lines.sku
