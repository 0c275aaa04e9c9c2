{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['promotion_id', 'category']) }}

-- What each event that ran sold beside what the same SKUs usually sell, per SKU and location, where it
-- ran and where it did not, over the days of the event: the SKUs on offer and the others of their
-- subcategories. A day's sales are as known a week later, so that rows never change.
--
-- `usual_a_day` is the mean of the days of the eight weeks before without a promotion or an
-- almost empty shelf, which hides demand; such days of the event itself count for nothing. An event is part of a promotion: its SKUs of one category. New batches change only
-- the events whose week of waiting ends on or after the first day that they bring.
WITH delivered AS (SELECT max(known_on) AS day FROM {{ ref('sku_location_day') }}),

ran AS (
    -- the plan as it stood on the first day
    SELECT
        plans.promotion_id, plans.event, plans.sku, plans.location_id, plans.starts_on,
        plans.ends_on, plans.discount_share, plans.is_featured, products.category,
        products.subcategory
    FROM {{ ref('promotion_plans') }} AS plans
    INNER JOIN {{ ref('products') }} AS products
        ON products.source = plans.source AND products.sku = plans.sku
    CROSS JOIN delivered
    WHERE NOT plans.is_cancelled AND plans.known_on <= plans.starts_on
        AND (plans.superseded_on IS NULL OR plans.superseded_on > plans.starts_on)
        AND plans.ends_on + 7 <= delivered.day AND products.category IS NOT NULL
),

changed AS (
    SELECT min(known_on) AS since
    FROM (
        SELECT known_on, batch FROM {{ ref('sku_location_day') }}
        UNION ALL
        SELECT known_on, batch FROM {{ ref('promotion_plans') }}
    ) AS arrived
    {% if is_incremental() -%}
    WHERE batch > {{ last_batch() }}
    {%- endif %}
),

events AS (
    SELECT
        promotion_id, category, min(starts_on) AS starts_on, max(ends_on) AS ends_on,
        max(ends_on) - min(starts_on) + 1 AS days
    FROM ran
    GROUP BY promotion_id, category
    HAVING max(ends_on) + 7 >= (SELECT since FROM changed)
),

promoted_days AS (
    SELECT DISTINCT
        sku, location_id, CAST({{ each_day('starts_on', 'ends_on') }} AS DATE) AS day
    FROM ran
),

shelves AS (
    -- the SKUs on offer and the others of their subcategories
    SELECT
        events.promotion_id, events.category, products.sku, events.starts_on, events.ends_on,
        events.days
    FROM events
    INNER JOIN (SELECT DISTINCT promotion_id, category, subcategory FROM ran) AS subs
        ON subs.promotion_id = events.promotion_id AND subs.category = events.category
    INNER JOIN {{ ref('products') }} AS products
        ON products.category = subs.category
        AND coalesce(products.subcategory, '') = coalesce(subs.subcategory, '')
),

weeks AS (
    SELECT shelves.*, calendar.week
    FROM shelves
    INNER JOIN (SELECT DISTINCT week FROM {{ ref('calendar') }}) AS calendar
        ON calendar.week BETWEEN shelves.starts_on - 62 AND shelves.ends_on
),

-- Days on which sales say little of demand: promotions, and shelves that had closed almost empty the
-- evening before. Going by the day before keeps the days that sold well in.
hidden AS (
    SELECT
        sku, location_id, day, CAST(date_trunc('week', day) AS DATE) AS week,
        max(is_short) AS is_short, max(is_promoted) AS is_promoted
    FROM (
        SELECT sku, location_id, day, 0 AS is_short, 1 AS is_promoted FROM promoted_days
        UNION ALL
        SELECT spans.sku, spans.location_id, spans.day, 1, 0
        FROM (
            SELECT
                sku, location_id,
                CAST({{ each_day('from_day + 1', 'coalesce(to_day, (SELECT day FROM delivered))') }}
                    AS DATE) AS day
            FROM {{ ref('stock_spans') }}
            WHERE closing <= 5 AND sku IN (SELECT sku FROM shelves)
                AND coalesce(to_day, (SELECT day FROM delivered)) > (
                    SELECT min(starts_on) - 56 FROM events
                )
        ) AS spans
    ) AS days
    GROUP BY sku, location_id, day
),

sales AS (
    SELECT
        sku, location_id, day, CAST(date_trunc('week', day) AS DATE) AS week, sum(units) AS units,
        max(batch) AS batch
    FROM {{ ref('sku_location_day') }}
    WHERE known_on <= day + 7 AND day >= (SELECT min(starts_on) - 56 FROM events)
    GROUP BY sku, location_id, day
),

sold AS (
    SELECT
        weeks.promotion_id, weeks.category, weeks.sku, sales.location_id,
        sum(CASE
            WHEN sales.day >= weeks.starts_on AND coalesce(hidden.is_short, 0) = 0 THEN sales.units
            ELSE 0
        END) AS units,
        sum(CASE WHEN sales.day < weeks.starts_on AND hidden.day IS NULL THEN sales.units ELSE 0 END)
            AS units_before,
        max(sales.batch) AS batch
    FROM weeks
    INNER JOIN sales
        ON sales.sku = weeks.sku AND sales.week = weeks.week
        AND sales.day BETWEEN weeks.starts_on - 56 AND weeks.ends_on
    LEFT JOIN hidden
        ON hidden.sku = sales.sku AND hidden.location_id = sales.location_id
        AND hidden.day = sales.day
    GROUP BY weeks.promotion_id, weeks.category, weeks.sku, sales.location_id
),

hidden_days AS (
    SELECT
        weeks.promotion_id, weeks.category, weeks.sku, hidden.location_id,
        count(CASE WHEN hidden.day < weeks.starts_on THEN 1 END) AS before,
        count(CASE WHEN hidden.day >= weeks.starts_on AND is_short = 1 THEN 1 END) AS short,
        max(CASE WHEN hidden.day >= weeks.starts_on THEN is_promoted ELSE 0 END) AS is_promoted
    FROM weeks
    INNER JOIN hidden
        ON hidden.sku = weeks.sku AND hidden.week = weeks.week
        AND hidden.day BETWEEN weeks.starts_on - 56 AND weeks.ends_on
    GROUP BY weeks.promotion_id, weeks.category, weeks.sku, hidden.location_id
)

SELECT
    sold.promotion_id,
    sold.category,
    sold.sku,
    sold.location_id,
    events.starts_on,
    events.ends_on,
    events.ends_on + 7 AS known_on,
    ran.sku IS NOT NULL AS is_on_offer,
    coalesce(hidden.is_promoted, 0) = 1 AND ran.sku IS NULL AS is_in_another,
    ran.event,
    CAST(ran.discount_share AS DOUBLE PRECISION) AS discount_share,
    ran.is_featured,
    CAST(sold.units AS DOUBLE PRECISION) AS units,
    CAST(sold.units_before AS DOUBLE PRECISION)
        / greatest(56 - coalesce(hidden.before, 0), 1) AS usual_a_day,
    events.days - coalesce(hidden.short, 0) AS days_in_stock,
    events.days,
    sold.batch
FROM sold
INNER JOIN events ON events.promotion_id = sold.promotion_id AND events.category = sold.category
LEFT JOIN hidden_days AS hidden
    ON hidden.promotion_id = sold.promotion_id AND hidden.category = sold.category
    AND hidden.sku = sold.sku AND hidden.location_id = sold.location_id
LEFT JOIN ran
    ON ran.promotion_id = sold.promotion_id AND ran.sku = sold.sku
    AND ran.location_id = sold.location_id
