-- What then happened: the units of each SKU and week, zeros too, once the week is over and the files
-- of its last day have arrived; what comes later is not waited for.
WITH weeks AS (
    SELECT DISTINCT week AS target_week FROM core.order_lines
)

SELECT
    'sku' AS grain,
    products.sku AS series,
    weeks.target_week,
    CAST(weeks.target_week + 7 AS DATE) AS known_on,
    CAST(coalesce(sum(lines.units), 0) AS DOUBLE PRECISION) AS actual
FROM weeks
CROSS JOIN core.products AS products
LEFT JOIN core.order_lines AS lines
    ON lines.sku = products.sku
    AND lines.ordered_on >= weeks.target_week AND lines.ordered_on < weeks.target_week + 7
    AND lines.known_on <= weeks.target_week + 7
    AND (lines.superseded_on IS NULL OR lines.superseded_on > weeks.target_week + 7)
GROUP BY products.sku, weeks.target_week
