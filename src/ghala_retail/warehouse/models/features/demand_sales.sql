{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='week') }}

-- Sold units per series and week, at both grains, as they were known on the first delivery after
-- the week's end. What is corrected later stays in the core: a week that changed afterwards could
-- not have been looked at by any forecast before the correction.
WITH arrivals AS (SELECT DISTINCT known_on FROM {{ ref('sku_location_week') }}),

weeks AS (SELECT DISTINCT week FROM {{ ref('sku_location_week') }}),

closed AS (
    SELECT weeks.week, min(arrivals.known_on) AS closed_on
    FROM weeks
    INNER JOIN arrivals ON arrivals.known_on >= weeks.week + 7
    GROUP BY weeks.week
),

{% if is_incremental() -%}
touched AS (
    SELECT closed.week
    FROM closed
    LEFT JOIN (SELECT DISTINCT week, known_on FROM {{ this }}) AS held ON held.week = closed.week
    WHERE held.known_on IS DISTINCT FROM closed.closed_on
    UNION
    -- put into the inbox after the week was closed, though delivered before
    SELECT sales.week
    FROM {{ ref('sku_location_week') }} AS sales
    INNER JOIN closed ON closed.week = sales.week AND sales.known_on <= closed.closed_on
    WHERE sales.batch > {{ last_batch() }}
    UNION
    SELECT held.week
    FROM {{ this }} AS held
    LEFT JOIN {{ ref('products') }} AS products ON products.sku = held.series
    WHERE held.grain = 'sku_chain' AND products.category IS DISTINCT FROM held.category
),
{%- endif %}

lines AS (
    SELECT sales.*, closed.closed_on, products.category
    FROM {{ ref('sku_location_week') }} AS sales
    INNER JOIN closed ON closed.week = sales.week AND sales.known_on <= closed.closed_on
    INNER JOIN {{ ref('products') }} AS products USING (sku)
    WHERE products.category IS NOT NULL
    {%- if is_incremental() %}
        AND sales.week IN (SELECT week FROM touched)
    {%- endif %}
)

SELECT
    'sku_chain' AS grain,
    sku AS series,
    category,
    CAST(NULL AS VARCHAR) AS location_id,
    week,
    CAST(sum(units) AS DOUBLE PRECISION) AS units,
    CAST(sum(revenue) AS DOUBLE PRECISION) AS revenue,
    min(known_on) AS begun_on,
    max(closed_on) AS known_on,
    max(batch) AS batch
FROM lines
GROUP BY sku, category, week
UNION ALL
SELECT
    'category_store',
    category || '|' || location_id,
    category,
    location_id,
    week,
    CAST(sum(units) AS DOUBLE PRECISION),
    CAST(sum(revenue) AS DOUBLE PRECISION),
    min(known_on),
    max(closed_on),
    max(batch)
FROM lines
GROUP BY category, location_id, week
