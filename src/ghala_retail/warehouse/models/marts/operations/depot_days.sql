{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='day') }}

-- One row per location and day on which anything was ordered, as known now: what had to be picked,
-- packed and sent. `volume_l` and `weight_kg` leave out the SKUs whose size is unknown.
WITH states AS NOT MATERIALIZED (
    SELECT sku, location_id, order_id, ordered_on, units, revenue, superseded_on, batch,
        superseded_batch
    FROM {{ ref('order_lines') }}
),

{% if is_incremental() -%}
touched AS (
    SELECT ordered_on
    FROM states
    WHERE batch > {{ last_batch() }} OR superseded_batch > {{ last_batch() }}
),
{%- endif %}

orders AS (
    SELECT
        states.location_id,
        states.ordered_on,
        states.order_id,
        states.superseded_on IS NULL AND states.units > 0 AS is_sold,
        count(*) AS lines,
        sum(states.units) AS units,
        sum(states.revenue) AS revenue,
        sum(states.units * products.volume_l) AS volume_l,
        sum(states.units * products.weight_kg) AS weight_kg,
        max(states.batch) AS batch
    FROM states
    LEFT JOIN {{ ref('products') }} AS products ON products.sku = states.sku
    {% if is_incremental() -%}
    WHERE states.ordered_on IN (SELECT ordered_on FROM touched)
    {% endif -%}
    GROUP BY
        states.location_id, states.ordered_on, states.order_id,
        states.superseded_on IS NULL AND states.units > 0
)

SELECT
    location_id,
    ordered_on AS day,
    count(*) FILTER (WHERE is_sold) AS orders,
    CAST(coalesce(sum(lines) FILTER (WHERE is_sold), 0) AS BIGINT) AS lines,
    CAST(coalesce(sum(units) FILTER (WHERE is_sold), 0) AS BIGINT) AS units,
    CAST(coalesce(sum(revenue) FILTER (WHERE is_sold), 0) AS DECIMAL(18, 2)) AS revenue,
    CAST(coalesce(sum(volume_l) FILTER (WHERE is_sold), 0) AS DECIMAL(18, 1)) AS volume_l,
    CAST(coalesce(sum(weight_kg) FILTER (WHERE is_sold), 0) AS DECIMAL(18, 1)) AS weight_kg,
    max(batch) AS batch
FROM orders
GROUP BY location_id, ordered_on
