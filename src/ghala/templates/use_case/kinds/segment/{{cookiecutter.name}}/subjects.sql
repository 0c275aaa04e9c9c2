-- What is labelled: every customer who ordered in the 84 days before `as_of`, as known by then.
SELECT
    origins.as_of,
    orders.customer_id,
    CAST(count(*) FILTER (WHERE orders.ordered_on >= origins.as_of - 28) AS DOUBLE PRECISION)
        AS orders_28,
    CAST(count(*) AS DOUBLE PRECISION) AS orders_84
FROM origins
INNER JOIN core.orders AS orders
    ON orders.ordered_on >= origins.as_of - 84 AND orders.ordered_on < origins.as_of
    AND orders.known_on <= origins.as_of
    AND (orders.superseded_on IS NULL OR orders.superseded_on > origins.as_of)
WHERE NOT orders.is_cancelled AND orders.customer_id IS NOT NULL
GROUP BY origins.as_of, orders.customer_id
