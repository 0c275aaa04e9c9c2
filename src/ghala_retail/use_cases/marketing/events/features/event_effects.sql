-- What each event did where it ran: one row per promotion, category and location. What the
-- SKUs would have sold without it are their usual sales, times how busy the location was in other
-- categories, times how the same SKUs did in the locations without the event (differences in
-- differences). `due` counts the days in stock, like `units`; `base` all days of the event, before
-- the locations without the event have their say; `usual` knows nothing of how busy it was. Events of
-- the first eight weeks of sales have no usual weeks before them and are left out. Money is without VAT, at the list prices and costs
-- known on the first day: of the base, and in `own_earned` of the units sold at the discount.
WITH sales AS (
    SELECT *, max(CASE WHEN is_on_offer THEN 1 ELSE 0 END)
        OVER (PARTITION BY promotion_id, category, location_id) AS ran_here,
        max(CASE WHEN is_on_offer THEN 1 ELSE 0 END)
            OVER (PARTITION BY promotion_id, category, sku) AS is_of_event
    FROM {{ ref('event_sales') }}
),

events AS (
    SELECT DISTINCT promotion_id, category, starts_on, ends_on, ends_on - starts_on + 1 AS days
    FROM sales
    WHERE starts_on >= (SELECT min(day) + 56 FROM {{ ref('sku_location_day') }})
),

days AS (
    SELECT events.*, calendar.day
    FROM events
    INNER JOIN {{ ref('calendar') }} AS calendar
        ON calendar.day BETWEEN events.starts_on - 56 AND events.ends_on
),

categories AS (
    SELECT
        coalesce(products.category, '') AS category, sales.location_id, sales.day,
        sum(sales.units) AS units
    FROM {{ ref('sku_location_day') }} AS sales
    LEFT JOIN {{ ref('products') }} AS products ON products.sku = sales.sku
    WHERE sales.known_on <= sales.day + 7
    GROUP BY coalesce(products.category, ''), sales.location_id, sales.day
),

everything AS (
    SELECT location_id, day, sum(units) AS units FROM categories GROUP BY location_id, day
),

-- How much more the location sold of other categories than usual.
bustle AS (
    SELECT
        days.promotion_id, days.category, everything.location_id,
        CAST(
            sum(CASE
                WHEN days.day >= days.starts_on THEN everything.units - coalesce(own.units, 0)
            END) AS DOUBLE PRECISION
        ) * 56 / nullif(
            max(days.days) * sum(CASE
                WHEN days.day < days.starts_on THEN everything.units - coalesce(own.units, 0)
            END), 0
        ) AS factor
    FROM days
    INNER JOIN everything ON everything.day = days.day
    LEFT JOIN categories AS own
        ON own.day = days.day AND own.category = days.category
        AND own.location_id = everything.location_id
    GROUP BY days.promotion_id, days.category, everything.location_id
),

sizes AS (
    SELECT category, avg(volume_l) AS volume_l FROM {{ ref('products') }} GROUP BY category
),

priced AS (
    SELECT
        sales.*,
        sales.usual_a_day * sales.days_in_stock AS usual,
        sales.usual_a_day * sales.days_in_stock * coalesce(bustle.factor, 1) AS due,
        sales.usual_a_day * sales.days * coalesce(bustle.factor, 1) AS base,
        prices.price / (1 + coalesce(products.vat_rate, 0)) AS net_price,
        prices.price / (1 + coalesce(products.vat_rate, 0)) - prices.unit_cost AS unit_margin,
        coalesce(products.volume_l, sizes.volume_l, 0) AS volume_l
    FROM sales
    LEFT JOIN bustle
        ON bustle.promotion_id = sales.promotion_id AND bustle.category = sales.category
        AND bustle.location_id = sales.location_id
    INNER JOIN {{ ref('locations') }} AS places ON places.location_id = sales.location_id
    INNER JOIN {{ ref('products') }} AS products ON products.sku = sales.sku
    LEFT JOIN sizes ON sizes.category = sales.category
    INNER JOIN {{ ref('prices') }} AS prices
        ON prices.sku = sales.sku AND coalesce(prices.zone, '') = coalesce(places.zone, '')
        AND prices.known_on <= sales.starts_on
        AND (prices.superseded_on IS NULL OR prices.superseded_on > sales.starts_on)
        AND prices.valid_from <= sales.starts_on
        AND (prices.valid_to IS NULL OR prices.valid_to > sales.starts_on)
    WHERE NOT sales.is_in_another
        AND (sales.promotion_id, sales.category) IN (SELECT promotion_id, category FROM events)
),

controls AS (
    SELECT
        promotion_id, category, is_of_event, sum(units) AS units, sum(due) AS due
    FROM priced
    WHERE ran_here = 0
    GROUP BY promotion_id, category, is_of_event
)

SELECT
    priced.promotion_id,
    priced.category,
    priced.location_id,
    CAST(date_trunc('week', priced.starts_on) AS DATE) AS week,
    priced.starts_on,
    priced.ends_on,
    priced.known_on,
    max(priced.event) AS event,
    max(priced.discount_share) AS depth,
    max(CASE WHEN priced.is_featured THEN 1 ELSE 0 END) AS featured,
    sum(priced.units) FILTER (WHERE priced.is_on_offer) AS own_units,
    sum(priced.usual) FILTER (WHERE priced.is_on_offer) AS own_usual,
    sum(priced.due) FILTER (WHERE priced.is_on_offer) AS own_due,
    sum(priced.base) FILTER (WHERE priced.is_on_offer) AS own_base,
    coalesce(max(own.units), 0) AS own_control_units,
    coalesce(max(own.due), 0) AS own_control_due,
    coalesce(sum(priced.units) FILTER (WHERE priced.is_of_event = 0), 0) AS rest_units,
    coalesce(sum(priced.due) FILTER (WHERE priced.is_of_event = 0), 0) AS rest_due,
    coalesce(sum(priced.base) FILTER (WHERE priced.is_of_event = 0), 0) AS rest_base,
    coalesce(max(rest.units), 0) AS rest_control_units,
    coalesce(max(rest.due), 0) AS rest_control_due,
    sum(priced.units * (priced.unit_margin - priced.net_price * priced.discount_share))
        FILTER (WHERE priced.is_on_offer) AS own_earned,
    sum(priced.base * priced.net_price) FILTER (WHERE priced.is_on_offer) AS own_revenue,
    sum(priced.base * priced.unit_margin) FILTER (WHERE priced.is_on_offer) AS own_margin,
    coalesce(sum(priced.base * priced.unit_margin) FILTER (WHERE priced.is_of_event = 0), 0)
        AS rest_margin,
    sum(priced.base * priced.volume_l) FILTER (WHERE priced.is_on_offer) AS own_litres
FROM priced
LEFT JOIN controls AS own
    ON own.promotion_id = priced.promotion_id AND own.category = priced.category
    AND own.is_of_event = 1
LEFT JOIN controls AS rest
    ON rest.promotion_id = priced.promotion_id AND rest.category = priced.category
    AND rest.is_of_event = 0
WHERE priced.ran_here = 1
GROUP BY
    priced.promotion_id, priced.category, priced.location_id, priced.starts_on, priced.ends_on,
    priced.known_on
