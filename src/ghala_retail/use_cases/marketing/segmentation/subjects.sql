-- Who is labelled: every customer who ever ordered, as known at `as_of`, with a bag of habits: how
-- often which category, how many pieces of a line and how many lines of an order, the channel and
-- the place; `KIND:LEVEL=COUNT`, joined by `|`. Offers are left out: they are what was done to a
-- customer, not what a customer is like.
WITH known AS (
    SELECT
        origins.as_of,
        lines.customer_id,
        lines.order_id,
        lines.channel,
        lines.location_id,
        lines.units,
        products.category
    FROM origins
    INNER JOIN core.order_lines AS lines
        ON lines.ordered_on < origins.as_of AND lines.known_on <= origins.as_of
        AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of)
    LEFT JOIN core.product_history AS products
        ON products.source = lines.source AND products.sku = lines.sku
        AND products.known_on <= origins.as_of
        AND (products.superseded_on IS NULL OR products.superseded_on > origins.as_of)
        AND products.valid_from <= origins.as_of
        AND (products.valid_to IS NULL OR products.valid_to > origins.as_of)
    WHERE lines.customer_id IS NOT NULL AND NOT lines.is_cancelled AND lines.units > 0
),

baskets AS (
    SELECT
        as_of,
        customer_id,
        order_id,
        min(channel) AS channel,
        min(location_id) AS location_id,
        count(*) AS lines
    FROM known
    GROUP BY as_of, customer_id, order_id
),

items AS (
    SELECT
        as_of,
        customer_id,
        'category:' || replace(category, '|', '/') AS item,
        count(*) AS times
    FROM known
    WHERE category IS NOT NULL
    GROUP BY as_of, customer_id, category
    UNION ALL
    SELECT
        as_of,
        customer_id,
        'pieces:' || CASE
            WHEN units >= 24 THEN '24+'
            WHEN units >= 12 THEN '12+'
            WHEN units >= 4 THEN '4+'
            ELSE CAST(units AS VARCHAR)
        END,
        count(*)
    FROM known
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT
        as_of,
        customer_id,
        'lines:' || CASE
            WHEN lines >= 20 THEN '20+'
            WHEN lines >= 10 THEN '10+'
            WHEN lines >= 6 THEN '6+'
            ELSE CAST(lines AS VARCHAR)
        END,
        count(*)
    FROM baskets
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT as_of, customer_id, 'channel:' || channel, count(*)
    FROM baskets
    WHERE channel IS NOT NULL
    GROUP BY as_of, customer_id, channel
    UNION ALL
    SELECT as_of, customer_id, 'place:' || location_id, count(*)
    FROM baskets
    WHERE location_id IS NOT NULL
    GROUP BY as_of, customer_id, location_id
)

SELECT
    as_of,
    customer_id,
    string_agg(item || '=' || CAST(times AS VARCHAR), '|' ORDER BY item) AS habits
FROM items
GROUP BY as_of, customer_id
