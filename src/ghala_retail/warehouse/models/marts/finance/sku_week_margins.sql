{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='week') }}

-- One row per SKU and week with sales or returns, as known now. `net_revenue` and `cost` are without
-- VAT; the cost is the list's on each day (null where one is not known). Returns count in the week of
-- the return.
{% set changed = 'row_batch > ' ~ last_batch() %}
WITH
{% if is_incremental() -%}
-- A corrected price changes every week from its day on; a rate of VAT or a zone those in which the
-- SKU or the location sold.
repriced AS (
    SELECT CAST(date_trunc('week', min(valid_from)) AS DATE) AS week
    FROM {{ ref('prices') }}
    WHERE {{ changed }}
),

touched AS (
    SELECT CAST(date_trunc('week', day) AS DATE) AS week
    FROM {{ ref('sku_location_day') }}
    WHERE batch > {{ last_batch() }}
    UNION
    SELECT CAST(date_trunc('week', returned_on) AS DATE)
    FROM {{ ref('returns') }}
    WHERE batch > {{ last_batch() }} OR superseded_batch > {{ last_batch() }}
    UNION
    SELECT sold.week
    FROM (SELECT DISTINCT week FROM {{ this }}) AS sold
    INNER JOIN repriced ON sold.week >= repriced.week
    {%- for history, key in (('product_history', 'sku'), ('location_history', 'location_id')) %}
    UNION
    SELECT CAST(date_trunc('week', sales.day) AS DATE)
    FROM {{ ref('sku_location_day') }} AS sales
    INNER JOIN {{ ref(history) }} AS known
        ON known.{{ key }} = sales.{{ key }} AND known.valid_from <= sales.day
    WHERE known.{{ changed }}
    {%- endfor %}
),

touched_days AS (
    SELECT touched.week + days.number AS day
    FROM touched
    CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6)) AS days (number)
),
{%- endif %}

daily AS (
    SELECT
        sales.sku,
        zones.zone,
        sales.day,
        sum(sales.units) AS units,
        sum(sales.revenue) AS revenue,
        sum(sales.discount) AS discount,
        max(sales.batch) AS batch
    FROM {{ ref('sku_location_day') }} AS sales
    LEFT JOIN {{ ref('location_history') }} AS zones
        ON zones.location_id = sales.location_id AND zones.superseded_on IS NULL
        AND zones.valid_from <= sales.day AND (zones.valid_to IS NULL OR zones.valid_to > sales.day)
    {% if is_incremental() -%}
    WHERE sales.day IN (SELECT day FROM touched_days)
    {% endif -%}
    GROUP BY sales.sku, zones.zone, sales.day
),

sold AS (
    SELECT
        daily.sku,
        CAST(date_trunc('week', daily.day) AS DATE) AS week,
        sum(daily.units) AS units,
        sum(daily.revenue) AS revenue,
        sum(daily.discount) AS discount,
        sum(CAST(daily.revenue / (1 + coalesce(products.vat_rate, 0)) AS DECIMAL(18, 4))) AS net_revenue,
        CASE
            WHEN count(*) FILTER (WHERE daily.units <> 0 AND prices.unit_cost IS NULL) = 0
                THEN sum(coalesce(daily.units * prices.unit_cost, 0))
        END AS cost,
        max(daily.batch) AS batch
    FROM daily
    LEFT JOIN {{ ref('prices') }} AS prices
        ON prices.sku = daily.sku AND prices.zone = daily.zone AND prices.superseded_on IS NULL
        AND prices.valid_from <= daily.day
        AND (prices.valid_to IS NULL OR prices.valid_to > daily.day)
    LEFT JOIN {{ ref('product_history') }} AS products
        ON products.sku = daily.sku AND products.superseded_on IS NULL
        AND products.valid_from <= daily.day
        AND (products.valid_to IS NULL OR products.valid_to > daily.day)
    GROUP BY daily.sku, CAST(date_trunc('week', daily.day) AS DATE)
),

returned AS (
    SELECT
        sku,
        CAST(date_trunc('week', returned_on) AS DATE) AS week,
        sum(CASE WHEN superseded_on IS NULL THEN units ELSE 0 END) AS units,
        sum(CASE WHEN superseded_on IS NULL THEN refund ELSE 0 END) AS refund,
        max(batch) AS batch
    FROM {{ ref('returns') }}
    {% if is_incremental() -%}
    WHERE returned_on IN (SELECT day FROM touched_days)
    {% endif -%}
    GROUP BY sku, CAST(date_trunc('week', returned_on) AS DATE)
)

SELECT
    coalesce(sold.sku, returned.sku) AS sku,
    coalesce(sold.week, returned.week) AS week,
    CAST(coalesce(sold.units, 0) AS BIGINT) AS units,
    CAST(coalesce(sold.revenue, 0) AS DECIMAL(18, 2)) AS revenue,
    CAST(coalesce(sold.discount, 0) AS DECIMAL(18, 2)) AS discount,
    CAST(coalesce(sold.net_revenue, 0) AS DECIMAL(18, 2)) AS net_revenue,
    CAST(sold.cost AS DECIMAL(18, 2)) AS cost,
    CAST(sold.net_revenue - sold.cost AS DECIMAL(18, 2)) AS margin,
    CAST(coalesce(returned.units, 0) AS BIGINT) AS units_returned,
    CAST(coalesce(returned.refund, 0) AS DECIMAL(18, 2)) AS refunds,
    greatest(sold.batch, returned.batch) AS batch
FROM sold
FULL JOIN returned ON returned.sku = sold.sku AND returned.week = sold.week
