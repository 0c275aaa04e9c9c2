{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='week') }}

-- For how many days of a week the shelf of a SKU in a location was empty, as it was known when the
-- week was over; the day on which it ran out counts half.
-- A next build writes every week from the first one that was closed since, or whose stock came to be
-- known since; what happens on a shelf changes no week before.
WITH closed AS (SELECT DISTINCT week, known_on FROM {{ ref('demand_sales') }}),

{% if is_incremental() -%}
news AS (
    SELECT closed.week
    FROM closed
    LEFT JOIN (SELECT DISTINCT week, known_on FROM {{ this }}) AS held ON held.week = closed.week
    WHERE held.known_on IS DISTINCT FROM closed.known_on
    UNION ALL
    SELECT closed.week
    FROM {{ ref('stock_days') }} AS stock
    INNER JOIN closed
        ON closed.week = CAST(date_trunc('week', stock.day) AS DATE)
        AND stock.known_on <= closed.known_on
    WHERE stock.{{ newest_batches() }}
),
{%- endif %}

counted AS (
    SELECT
        stock.sku,
        stock.location_id,
        stock.day,
        stock.is_stockout,
        lead(stock.day) OVER (PARTITION BY stock.sku, stock.location_id ORDER BY stock.day) AS to_day
    FROM {{ ref('stock_days') }} AS stock
    INNER JOIN closed
        ON closed.week = CAST(date_trunc('week', stock.day) AS DATE)
        AND stock.known_on <= closed.known_on
        AND (stock.superseded_on IS NULL OR stock.superseded_on > closed.known_on)
    {% if is_incremental() -%}
    WHERE EXISTS (SELECT 1 FROM news)
    {%- endif %}
),

empty AS (
    SELECT
        sku,
        location_id,
        day AS from_day,
        coalesce(to_day, (SELECT max(week) + 7 FROM closed)) AS to_day
    FROM counted
    WHERE is_stockout
)

SELECT
    empty.sku,
    empty.location_id,
    closed.week,
    closed.known_on,
    sum(
        least(empty.to_day, closed.week + 7) - greatest(empty.from_day, closed.week)
        - CASE WHEN empty.from_day >= closed.week THEN 0.5 ELSE 0 END
    ) AS short_days
FROM empty
INNER JOIN closed ON closed.week < empty.to_day AND closed.week + 7 > empty.from_day
{% if is_incremental() -%}
WHERE closed.week >= (SELECT min(week) FROM news)
{% endif -%}
GROUP BY empty.sku, empty.location_id, closed.week, closed.known_on
