{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['promotion_id', 'category']) }}

-- What the shelf of an event sold in the eight weeks after it, beside what it usually sells, where
-- the event ran and where it did not, on days without a promotion: who stored up buys less now. Rows
-- are as known a week after the eighth week, and never change.
WITH delivered AS (SELECT max(known_on) AS day FROM {{ ref('sku_location_day') }}),

changed AS (
    SELECT min(known_on) AS since
    FROM {{ ref('sku_location_day') }}
    {% if is_incremental() -%}
    WHERE batch > {{ last_batch() }}
    {%- endif %}
),

shelves AS (
    SELECT
        sales.promotion_id, sales.category, sales.sku, sales.location_id, sales.ends_on,
        sales.usual_a_day,
        max(CASE WHEN sales.is_on_offer THEN 1 ELSE 0 END)
            OVER (PARTITION BY sales.promotion_id, sales.category, sales.location_id) AS ran_here
    FROM {{ ref('event_sales') }} AS sales
    CROSS JOIN delivered
    WHERE sales.ends_on + 63 <= delivered.day
        AND sales.ends_on + 63 >= (SELECT since FROM changed)
),

promoted_days AS (
    SELECT DISTINCT
        sku, location_id, CAST({{ each_day('starts_on', 'ends_on') }} AS DATE) AS day
    FROM {{ ref('event_sales') }}
    WHERE is_on_offer
),

weeks AS (
    SELECT shelves.*, calendar.week
    FROM (SELECT DISTINCT promotion_id, category, sku, ends_on FROM shelves) AS shelves
    INNER JOIN (SELECT DISTINCT week FROM {{ ref('calendar') }}) AS calendar
        ON calendar.week BETWEEN shelves.ends_on - 5 AND shelves.ends_on + 56
),

sales AS (
    SELECT *, CAST(date_trunc('week', day) AS DATE) AS week FROM {{ ref('sku_location_day') }}
),

sold AS (
    SELECT
        weeks.promotion_id, weeks.category, weeks.sku, sales.location_id,
        sum(sales.units) AS units, max(sales.batch) AS batch
    FROM weeks
    INNER JOIN sales
        ON sales.sku = weeks.sku AND sales.week = weeks.week
        AND sales.day BETWEEN weeks.ends_on + 1 AND weeks.ends_on + 56
        AND sales.known_on <= sales.day + 7
    LEFT JOIN promoted_days AS busy
        ON busy.sku = sales.sku AND busy.location_id = sales.location_id AND busy.day = sales.day
    WHERE busy.day IS NULL
    GROUP BY weeks.promotion_id, weeks.category, weeks.sku, sales.location_id
),

busy_days AS (
    SELECT weeks.promotion_id, weeks.category, weeks.sku, busy.location_id, count(*) AS days
    FROM (SELECT DISTINCT promotion_id, category, sku, ends_on FROM weeks) AS weeks
    INNER JOIN promoted_days AS busy
        ON busy.sku = weeks.sku AND busy.day BETWEEN weeks.ends_on + 1 AND weeks.ends_on + 56
    GROUP BY weeks.promotion_id, weeks.category, weeks.sku, busy.location_id
)

SELECT
    shelves.promotion_id,
    shelves.category,
    shelves.location_id,
    shelves.ends_on + 63 AS known_on,
    max(shelves.ran_here) = 1 AS ran_here,
    sum(coalesce(CAST(sold.units AS DOUBLE PRECISION), 0)) AS units,
    sum(shelves.usual_a_day * (56 - coalesce(busy.days, 0))) AS usual,
    max(coalesce(sold.batch, 0)) AS batch
FROM shelves
LEFT JOIN sold
    ON sold.promotion_id = shelves.promotion_id AND sold.category = shelves.category
    AND sold.sku = shelves.sku AND sold.location_id = shelves.location_id
LEFT JOIN busy_days AS busy
    ON busy.promotion_id = shelves.promotion_id AND busy.category = shelves.category
    AND busy.sku = shelves.sku AND busy.location_id = shelves.location_id
GROUP BY shelves.promotion_id, shelves.category, shelves.location_id, shelves.ends_on
