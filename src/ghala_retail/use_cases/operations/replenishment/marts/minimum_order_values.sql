-- The least value of an order to ask for, per zone, of agents and of customers: the one of a grid of values
-- that earns most. A truck stops once for all that an agent orders on a day, and once for each order of a
-- customer; a stop costs what a trip costs per stop over the last 13 weeks. What is below the least value is
-- raised to it, or merged, with a chance of half its share of that value (45 % at nine tenths of it), and lost
-- else, which is assumed until a test of thresholds has measured it. Goods bring the margin of list price, without VAT, over unit cost.
WITH bounds AS (SELECT max(ordered_on) - 91 AS since FROM {{ ref('order_lines') }}),

stops AS (
    SELECT locations.zone, sum(trips.cost) / nullif(sum(trips.stops), 0) AS stop_cost
    FROM {{ ref('trips') }} AS trips
    INNER JOIN {{ ref('locations') }} AS locations ON locations.location_id = trips.location_id
    CROSS JOIN bounds
    WHERE trips.departed_at >= bounds.since AND trips.superseded_on IS NULL
    GROUP BY locations.zone
),

margins AS (
    SELECT prices.sku, prices.zone,
        max(1 - prices.unit_cost * (1 + coalesce(products.vat_rate, 0)) / nullif(prices.price, 0)) AS share
    FROM {{ ref('prices') }} AS prices
    INNER JOIN {{ ref('products') }} AS products ON products.sku = prices.sku
    WHERE prices.is_current
    GROUP BY prices.sku, prices.zone
),

baskets AS (
    SELECT
        locations.zone,
        CASE WHEN orders.agent_id IS NULL THEN 'customer' ELSE 'agent' END AS buyer,
        coalesce(orders.agent_id, lines.order_id) AS stop,
        lines.ordered_on,
        sum(lines.revenue) AS value,
        sum(lines.revenue * margins.share / (1 + coalesce(products.vat_rate, 0))) AS margin
    FROM {{ ref('order_lines') }} AS lines
    CROSS JOIN bounds
    LEFT JOIN {{ ref('orders') }} AS orders
        ON orders.source = lines.source AND orders.order_id = lines.order_id
        AND orders.superseded_on IS NULL
    INNER JOIN {{ ref('locations') }} AS locations ON locations.location_id = lines.location_id
    INNER JOIN {{ ref('products') }} AS products ON products.sku = lines.sku
    INNER JOIN margins ON margins.sku = lines.sku AND margins.zone = locations.zone
    WHERE lines.superseded_on IS NULL AND lines.ordered_on >= bounds.since AND NOT lines.is_cancelled
    GROUP BY locations.zone, orders.agent_id, coalesce(orders.agent_id, lines.order_id), lines.ordered_on
),

thresholds AS (
    SELECT
        baskets.zone,
        baskets.buyer,
        grid.least_value,
        avg(CASE WHEN baskets.value < grid.least_value THEN 1.0 ELSE 0.0 END) AS orders_below,
        sum(
            CASE
                WHEN baskets.value < grid.least_value
                    THEN 0.5 * (baskets.margin - stops.stop_cost * baskets.value / grid.least_value)
                ELSE baskets.margin - stops.stop_cost
            END
        ) AS earned
    FROM baskets
    INNER JOIN stops ON stops.zone = baskets.zone
    CROSS JOIN (VALUES (0), (100), (200), (300), (400), (500), (750), (1000), (1500), (2000), (3000))
        AS grid (least_value)
    GROUP BY baskets.zone, baskets.buyer, grid.least_value
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY zone, buyer ORDER BY earned DESC, least_value) AS place,
        max(CASE WHEN least_value = 0 THEN earned END) OVER (PARTITION BY zone, buyer)
            AS earned_now
    FROM thresholds
)

SELECT
    ranked.zone,
    ranked.buyer,
    CAST(ranked.least_value AS DOUBLE PRECISION) AS least_value_kes,
    CAST(ranked.orders_below AS DOUBLE PRECISION) AS orders_below,
    CAST(stops.stop_cost AS DOUBLE PRECISION) AS stop_cost_kes,
    CAST((ranked.earned - ranked.earned_now) * 4 AS DOUBLE PRECISION) AS gain_year_kes
FROM ranked
INNER JOIN stops ON stops.zone = ranked.zone
WHERE ranked.place = 1
