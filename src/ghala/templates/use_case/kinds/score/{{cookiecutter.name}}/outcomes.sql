-- What then happened: how many lines of a SKU came back in the 28 days from `as_of` on. That is known
-- a day after the last of them, when its files have arrived; what comes later is not waited for.
SELECT
    origins.as_of,
    products.sku,
    CAST(origins.as_of + 29 AS DATE) AS known_on,
    CAST(count(returns.sku) AS DOUBLE PRECISION) AS actual
FROM origins
CROSS JOIN core.products AS products
LEFT JOIN core.returns AS returns
    ON returns.sku = products.sku
    AND returns.returned_on >= origins.as_of AND returns.returned_on < origins.as_of + 28
    AND returns.known_on <= origins.as_of + 29
    AND (returns.superseded_on IS NULL OR returns.superseded_on > origins.as_of + 29)
GROUP BY origins.as_of, products.sku
