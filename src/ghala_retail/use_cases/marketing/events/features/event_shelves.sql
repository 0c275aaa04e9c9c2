{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='monday') }}

-- What an event in a category would put on offer, as known on each Monday: per location the usual
-- sales of a week, over the eight weeks before last without a promotion, of the twenty best-selling
-- SKUs that earn at least the category's middle margin. Money is without VAT, at the list prices of
-- the Monday. `skus` names them, for the whole chain.
WITH delivered AS (SELECT max(known_on) AS day, min(week) AS week FROM {{ ref('sku_location_week') }}),

mondays AS (
    SELECT DISTINCT calendar.week AS monday
    FROM {{ ref('calendar') }} AS calendar
    CROSS JOIN delivered
    WHERE calendar.week BETWEEN delivered.week + 63 AND delivered.day
        {% if is_incremental() -%}
        AND calendar.week >= (
            SELECT min(known_on) FROM {{ ref('sku_location_week') }} WHERE batch > {{ last_batch() }}
        )
        {%- endif %}
),

sold AS (
    -- a week as known six days after its end
    SELECT sku, location_id, week, sum(units) AS units, max(batch) AS batch
    FROM {{ ref('sku_location_week') }}
    WHERE known_on <= week + 13 AND week >= (SELECT min(monday) - 63 FROM mondays)
    GROUP BY sku, location_id, week
),

chain AS (
    SELECT mondays.monday, weekly.sku, sum(weekly.units) AS units, max(weekly.batch) AS batch
    FROM mondays
    INNER JOIN (
        SELECT sku, week, sum(units) AS units, max(batch) AS batch FROM sold GROUP BY sku, week
    ) AS weekly ON weekly.week BETWEEN mondays.monday - 63 AND mondays.monday - 14
    GROUP BY mondays.monday, weekly.sku
),

asked AS (
    SELECT
        mondays.monday, prices.sku, coalesce(prices.zone, '') AS zone, products.category,
        prices.price / (1 + coalesce(products.vat_rate, 0)) AS net_price,
        prices.price / (1 + coalesce(products.vat_rate, 0)) - prices.unit_cost AS unit_margin,
        products.volume_l
    FROM mondays
    INNER JOIN {{ ref('prices') }} AS prices
        ON prices.known_on <= mondays.monday
        AND (prices.superseded_on IS NULL OR prices.superseded_on > mondays.monday)
        AND prices.valid_from <= mondays.monday
        AND (prices.valid_to IS NULL OR prices.valid_to > mondays.monday)
    INNER JOIN {{ ref('products') }} AS products
        ON products.source = prices.source AND products.sku = prices.sku
        AND products.category IS NOT NULL
        AND (products.delisted_on IS NULL OR products.delisted_on > mondays.monday + 49)
    WHERE prices.unit_cost IS NOT NULL AND prices.price > 0
),

earning AS (
    SELECT
        asked.monday, asked.category, asked.sku,
        avg(asked.unit_margin) / avg(asked.net_price) AS margin_share,
        max(chain.units) * avg(asked.net_price) AS revenue
    FROM asked
    INNER JOIN chain ON chain.monday = asked.monday AND chain.sku = asked.sku
    WHERE chain.units > 0
    GROUP BY asked.monday, asked.category, asked.sku
),

middles AS (
    SELECT monday, category, percentile_cont(0.5) WITHIN GROUP (ORDER BY margin_share) AS middle
    FROM earning
    GROUP BY monday, category
),

ranked AS (
    SELECT
        earning.monday, earning.category, earning.sku,
        row_number() OVER (
            PARTITION BY earning.monday, earning.category ORDER BY earning.revenue DESC, earning.sku
        ) AS place
    FROM earning
    INNER JOIN middles
        ON middles.monday = earning.monday AND middles.category = earning.category
        AND earning.margin_share >= middles.middle
),

offers AS (SELECT * FROM ranked WHERE place <= 20),

named AS (
    SELECT monday, category, string_agg(sku, ',' ORDER BY sku) AS skus
    FROM offers
    GROUP BY monday, category
),

promoted AS (
    SELECT DISTINCT sku, location_id, week
    FROM {{ ref('planned_weeks') }}
    WHERE promoted_share > 0 AND known_on <= week + 6
),

usual AS (
    SELECT
        offers.monday, offers.category, offers.sku, sold.location_id,
        CAST(sum(CASE WHEN promoted.sku IS NULL THEN sold.units ELSE 0 END) AS DOUBLE PRECISION)
            / greatest(8 - count(promoted.sku), 1) AS units,
        max(sold.batch) AS batch
    FROM offers
    INNER JOIN sold
        ON sold.sku = offers.sku AND sold.week BETWEEN offers.monday - 63 AND offers.monday - 14
    LEFT JOIN promoted
        ON promoted.sku = sold.sku AND promoted.location_id = sold.location_id
        AND promoted.week = sold.week
    GROUP BY offers.monday, offers.category, offers.sku, sold.location_id
),

-- What a unit of the category earns that is not on offer: what switching costs.
others AS (
    SELECT
        asked.monday, asked.category,
        sum(asked.unit_margin * chain.units) / nullif(sum(chain.units), 0) AS unit_margin,
        avg(asked.volume_l) AS volume_l
    FROM asked
    INNER JOIN chain ON chain.monday = asked.monday AND chain.sku = asked.sku
    GROUP BY asked.monday, asked.category
)

SELECT
    usual.monday,
    usual.category,
    usual.location_id,
    max(named.skus) AS skus,
    sum(usual.units) AS units,
    sum(usual.units * asked.net_price) AS revenue,
    sum(usual.units * asked.unit_margin) AS margin,
    sum(usual.units * coalesce(asked.volume_l, others.volume_l, 0)) AS litres,
    CAST(max(others.unit_margin) AS DOUBLE PRECISION) AS other_margin,
    max(usual.batch) AS batch
FROM usual
INNER JOIN {{ ref('locations') }} AS places ON places.location_id = usual.location_id
INNER JOIN asked
    ON asked.monday = usual.monday AND asked.sku = usual.sku
    AND asked.zone = coalesce(places.zone, '')
INNER JOIN named ON named.monday = usual.monday AND named.category = usual.category
LEFT JOIN others ON others.monday = usual.monday AND others.category = usual.category
GROUP BY usual.monday, usual.category, usual.location_id
