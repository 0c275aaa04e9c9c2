-- What then happened: how often a customer ordered in the 28 days from `as_of` on. That is known a day
-- after the last of them, when its files have arrived; what comes later is not waited for.
SELECT
    origins.as_of,
    customers.customer_id,
    CAST(origins.as_of + 29 AS DATE) AS known_on,
    CAST(count(orders.order_id) AS DOUBLE PRECISION) AS actual
FROM origins
CROSS JOIN (SELECT DISTINCT customer_id FROM core.orders WHERE customer_id IS NOT NULL) AS customers
LEFT JOIN core.orders AS orders
    ON orders.customer_id = customers.customer_id AND NOT orders.is_cancelled
    AND orders.ordered_on >= origins.as_of AND orders.ordered_on < origins.as_of + 28
    AND orders.known_on <= origins.as_of + 29
    AND (orders.superseded_on IS NULL OR orders.superseded_on > origins.as_of + 29)
GROUP BY origins.as_of, customers.customer_id
