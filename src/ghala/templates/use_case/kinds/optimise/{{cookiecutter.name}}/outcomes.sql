-- What then happened: the units of each SKU in the 7 days from `as_of` on. That is known a day after
-- the last of them, when its files have arrived; what comes later is not waited for.
SELECT
    origins.as_of,
    products.sku,
    CAST(origins.as_of + 8 AS DATE) AS known_on,
    CAST(coalesce(sum(lines.units), 0) AS DOUBLE PRECISION) AS actual
FROM origins
CROSS JOIN core.products AS products
LEFT JOIN core.order_lines AS lines
    ON lines.sku = products.sku
    AND lines.ordered_on >= origins.as_of AND lines.ordered_on < origins.as_of + 7
    AND lines.known_on <= origins.as_of + 8
    AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of + 8)
GROUP BY origins.as_of, products.sku
