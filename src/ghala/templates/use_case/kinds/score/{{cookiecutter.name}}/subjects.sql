-- What is scored: every SKU that sold in the 84 days before `as_of`, with what was known by then.
WITH sold AS (
    SELECT
        origins.as_of,
        lines.sku,
        count(*) FILTER (WHERE lines.ordered_on >= origins.as_of - 7) AS sold_7,
        count(*) FILTER (WHERE lines.ordered_on >= origins.as_of - 28) AS sold_28,
        count(*) AS sold_84
    FROM origins
    INNER JOIN core.order_lines AS lines
        ON lines.ordered_on >= origins.as_of - 84 AND lines.ordered_on < origins.as_of
        AND lines.known_on <= origins.as_of
        AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of)
    WHERE lines.units > 0
    GROUP BY origins.as_of, lines.sku
),

returned AS (
    SELECT
        origins.as_of,
        returns.sku,
        count(*) FILTER (WHERE returns.returned_on >= origins.as_of - 28) AS returned_28,
        count(*) AS returned_84
    FROM origins
    INNER JOIN core.returns AS returns
        ON returns.returned_on >= origins.as_of - 84 AND returns.returned_on < origins.as_of
        AND returns.known_on <= origins.as_of
        AND (returns.superseded_on IS NULL OR returns.superseded_on > origins.as_of)
    GROUP BY origins.as_of, returns.sku
)

SELECT
    sold.as_of,
    sold.sku,
    CAST(sold.sold_7 AS DOUBLE PRECISION) AS sold_7,
    CAST(sold.sold_28 AS DOUBLE PRECISION) AS sold_28,
    CAST(sold.sold_84 AS DOUBLE PRECISION) AS sold_84,
    CAST(coalesce(returned.returned_28, 0) AS DOUBLE PRECISION) AS returned_28,
    CAST(coalesce(returned.returned_84, 0) AS DOUBLE PRECISION) AS returned_84
FROM sold
LEFT JOIN returned ON returned.as_of = sold.as_of AND returned.sku = sold.sku
