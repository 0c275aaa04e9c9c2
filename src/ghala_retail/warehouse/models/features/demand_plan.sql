{{ config(materialized='incremental', incremental_strategy='append') }}

-- The frozen plan: how much of a series is promoted in a future week, as it was delivered on
-- `known_on`. Shares are weighted with the sales known before the plan arrived: by store for a
-- SKU over the chain, by SKU for a category in a store. Displays may be recorded as executed, so
-- they count only where a workspace says `displays_planned`.
{% set measures = {
    'mailer_share': 'in_mailer',
    'front_share': 'on_front_page',
    'back_share': 'on_back_page',
    'feature_share': 'is_coupon_or_feature',
    'display_share': 'on_display' if var('displays_planned') else 'false',
} %}
WITH planned AS NOT MATERIALIZED (
    SELECT *
    FROM {{ ref('promotions') }}
    {% if is_incremental() %}
    WHERE batch > (SELECT coalesce(max(batch), 0) FROM {{ this }})
    {% endif %}
),

arrivals AS (SELECT DISTINCT known_on FROM planned),

-- The first plans came before any sale was known: they are weighted with the first weeks' sales,
-- which no forecast looks at (the first origin lies eight weeks later).
horizon AS (
    SELECT
        known_on,
        greatest(known_on, (SELECT min(week) + 28 FROM {{ ref('sku_location_week') }})) AS upto
    FROM arrivals
),

-- Each week once, so that few rows meet every arrival.
store_sales AS (
    SELECT location_id, week, sum(units) AS units
    FROM {{ ref('sku_location_week') }}
    GROUP BY location_id, week
),

sku_sales AS (
    SELECT sales.sku, products.category, sales.week, sum(sales.units) AS units
    FROM {{ ref('sku_location_week') }} AS sales
    INNER JOIN {{ ref('products') }} AS products USING (sku)
    WHERE products.category IS NOT NULL
    GROUP BY sales.sku, products.category, sales.week
),

store_weight AS (
    SELECT horizon.known_on, sales.location_id, CAST(sum(sales.units) AS DOUBLE PRECISION) AS weight
    FROM horizon
    INNER JOIN store_sales AS sales
        ON sales.week < horizon.upto AND sales.week >= horizon.upto - 182
    INNER JOIN (SELECT DISTINCT known_on, location_id FROM planned) AS planning
        ON planning.known_on = horizon.known_on AND planning.location_id = sales.location_id
    GROUP BY horizon.known_on, sales.location_id
),

chain_weight AS (SELECT known_on, sum(weight) AS total FROM store_weight GROUP BY known_on),

sku_weight AS (
    SELECT
        horizon.known_on,
        sales.sku,
        sales.category,
        CAST(sum(sales.units) AS DOUBLE PRECISION) AS weight
    FROM horizon
    INNER JOIN sku_sales AS sales
        ON sales.week < horizon.upto AND sales.week >= horizon.upto - 182
    GROUP BY horizon.known_on, sales.sku, sales.category
),

category_weight AS (
    SELECT known_on, category, sum(weight) AS total FROM sku_weight GROUP BY known_on, category
),

shares AS (
    SELECT
        'sku_chain' AS grain,
        planned.sku AS series,
        planned.week AS target_week,
        planned.known_on,
        planned.batch,
        {% for name, flag in measures.items() %}
        coalesce(sum(weight) FILTER (WHERE {{ flag }}), 0) / max(total) AS {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    FROM planned
    INNER JOIN store_weight USING (known_on, location_id)
    INNER JOIN chain_weight USING (known_on)
    GROUP BY planned.sku, planned.week, planned.known_on, planned.batch
    UNION ALL
    SELECT
        'category_store',
        category || '|' || planned.location_id,
        planned.week,
        planned.known_on,
        planned.batch,
        {% for name, flag in measures.items() %}
        coalesce(sum(weight) FILTER (WHERE {{ flag }}), 0) / max(total){{ ',' if not loop.last }}
        {% endfor %}
    FROM planned
    INNER JOIN sku_weight USING (known_on, sku)
    INNER JOIN category_weight USING (known_on, category)
    GROUP BY category, planned.location_id, planned.week, planned.known_on, planned.batch
)

SELECT *, {{ lift_class() }} AS lift_class FROM shares
