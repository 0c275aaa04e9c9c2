{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='week') }}

-- Sold units per series and week, at every grain, as they were known on the first delivery after
-- the week's end. What is corrected later stays in the core: a week that changed afterwards could
-- not have been looked at by any forecast before the correction. `settled` are the units known a
-- week later, when nearly all late orders are in: what a forecast for a depot is judged by.
{% set grains = {
    'sku_chain': ('weeks', 'sku', 'sku', 'CAST(NULL AS VARCHAR)', 'category'),
    'category_store': ('weeks', "category || '|' || location_id", 'CAST(NULL AS VARCHAR)',
                       'location_id', 'category'),
    'sku_location': ('weeks', "sku || '|' || location_id", 'sku', 'location_id', 'category'),
    'location_day': ('days', "location_id || '|' || CAST(extract('isodow' FROM day) AS INTEGER)",
                     'CAST(NULL AS VARCHAR)', 'location_id', "'all'"),
} %}
WITH arrivals AS (SELECT DISTINCT known_on FROM {{ ref('sku_location_week') }}),

weeks AS (SELECT DISTINCT week FROM {{ ref('sku_location_week') }}),

closed AS (
    SELECT
        weeks.week,
        min(arrivals.known_on) AS closed_on,
        min(arrivals.known_on) FILTER (WHERE arrivals.known_on >= weeks.week + 14) AS settled_on
    FROM weeks
    INNER JOIN arrivals ON arrivals.known_on >= weeks.week + 7
    GROUP BY weeks.week
),

{% if is_incremental() -%}
touched AS (
    SELECT closed.week
    FROM closed
    LEFT JOIN (SELECT DISTINCT week, known_on, settled_on FROM {{ this }}) AS held
        ON held.week = closed.week
    WHERE held.known_on IS DISTINCT FROM closed.closed_on
        OR held.settled_on IS DISTINCT FROM closed.settled_on
    UNION
    -- put into the inbox after the week was settled, though delivered before
    SELECT sales.week
    FROM {{ ref('sku_location_week') }} AS sales
    INNER JOIN closed
        ON closed.week = sales.week
        AND sales.known_on <= coalesce(closed.settled_on, closed.closed_on)
    WHERE sales.batch > {{ last_batch() }}
    UNION
    SELECT held.week
    FROM {{ this }} AS held
    LEFT JOIN {{ ref('products') }} AS products ON products.sku = held.sku
    WHERE held.sku IS NOT NULL AND products.category IS DISTINCT FROM held.category
),
{%- endif %}

{% for name, period in {'weeks': 'week', 'days': 'day'}.items() -%}
{{ name }}_sold AS (
    SELECT sales.*, {{ 'closed.week,' if period == 'day' }}
        closed.closed_on, closed.settled_on, products.category, grains.grain
    FROM {{ ref('sku_location_' ~ period) }} AS sales
    INNER JOIN closed
        ON closed.week = CAST(date_trunc('week', sales.{{ period }}) AS DATE)
        AND sales.known_on <= coalesce(closed.settled_on, closed.closed_on)
    INNER JOIN {{ ref('products') }} AS products USING (sku)
    INNER JOIN {{ ref('demand_grains') }} AS grains USING (location_id)
    WHERE products.category IS NOT NULL
    {%- if is_incremental() %}
        AND closed.week IN (SELECT week FROM touched)
    {%- endif %}
){{ ',' if not loop.last }}

{% endfor %}
{% for grain, (period, series, sku, location, category) in grains.items() -%}
{% if not loop.first %}UNION ALL{% endif %}
SELECT
    '{{ grain }}' AS grain,
    {{ series }} AS series,
    {{ category }} AS category,
    {{ sku }} AS sku,
    {{ location }} AS location_id,
    week,
    CAST(sum(units) FILTER (WHERE known_on <= closed_on) AS DOUBLE PRECISION) AS units,
    CAST(sum(revenue) FILTER (WHERE known_on <= closed_on) AS DOUBLE PRECISION) AS revenue,
    CAST(sum(units) AS DOUBLE PRECISION) AS settled,
    min(known_on) FILTER (WHERE known_on <= closed_on) AS begun_on,
    max(closed_on) AS known_on,
    max(settled_on) AS settled_on,
    max(batch) AS batch
FROM {{ period }}_sold
WHERE grain = '{{ grain }}'
GROUP BY 2, 3, 4, 5, week
{% endfor -%}
