{{ config(materialized='view') }}

-- One row per SKU, location and day on which the location ranged the SKU, as known now: its sales
-- with true zeros, and whether its shelf was empty at the end of the day. Ask for the SKUs and
-- locations in question: the whole view has as many rows as SKUs x locations x days.
WITH last_day AS (SELECT max(day) AS day FROM {{ ref('sku_location_day') }}),

spans AS (
    SELECT
        assortment.sku,
        assortment.location_id,
        assortment.first_day,
        least(products.delisted_on, greatest(assortment.last_day, last_day.day)) AS last_day
    FROM {{ ref('assortment') }} AS assortment
    CROSS JOIN last_day
    LEFT JOIN {{ ref('products') }} AS products ON products.sku = assortment.sku
),

sales AS (
    SELECT
        sku,
        location_id,
        day,
        sum(units) AS units,
        sum(revenue) AS revenue,
        sum(discount) AS discount
    FROM {{ ref('sku_location_day') }}
    GROUP BY sku, location_id, day
)

SELECT
    spans.sku,
    spans.location_id,
    calendar.day,
    CAST(coalesce(sales.units, 0) AS BIGINT) AS units,
    CAST(coalesce(sales.revenue, 0) AS DECIMAL(18, 2)) AS revenue,
    CAST(coalesce(sales.discount, 0) AS DECIMAL(18, 2)) AS discount,
    stock.closing,
    coalesce(stock.is_stockout, false) AS is_stockout
FROM spans
INNER JOIN {{ ref('calendar') }} AS calendar
    ON calendar.day BETWEEN spans.first_day AND spans.last_day
LEFT JOIN sales
    ON sales.sku = spans.sku AND sales.location_id = spans.location_id
    AND sales.day = calendar.day
LEFT JOIN {{ ref('stock_spans') }} AS stock
    ON stock.sku = spans.sku AND stock.location_id = spans.location_id
    AND stock.from_day <= calendar.day
    AND (stock.to_day IS NULL OR stock.to_day > calendar.day)
