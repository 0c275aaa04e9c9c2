-- What then happened: the money per order of the four weeks from `as_of` on, 0 where none came. That is
-- known a day after the last of them, when its files have arrived; what comes later is not waited
-- for.
WITH customers AS (
    SELECT customer_id, min(known_on) AS known_on
    FROM core.order_lines
    WHERE customer_id IS NOT NULL AND NOT is_cancelled
    GROUP BY customer_id
)

SELECT
    origins.as_of,
    customers.customer_id,
    CAST(origins.as_of + 29 AS DATE) AS known_on,
    coalesce(
        CAST(sum(lines.revenue) AS DOUBLE PRECISION) / nullif(count(DISTINCT lines.order_id), 0), 0
    ) AS actual
FROM origins
INNER JOIN customers ON customers.known_on <= origins.as_of
LEFT JOIN core.order_lines AS lines
    ON lines.customer_id = customers.customer_id AND NOT lines.is_cancelled
    AND lines.ordered_on >= origins.as_of AND lines.ordered_on < origins.as_of + 28
    AND lines.known_on <= origins.as_of + 29
    AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of + 29)
GROUP BY origins.as_of, customers.customer_id
