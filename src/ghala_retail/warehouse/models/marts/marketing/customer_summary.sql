{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'customer_id']) }}

-- One row per customer who ever ordered, as known now: how recently, how often and for how much.
-- Cancelled orders are counted apart; amounts include VAT.
WITH states AS NOT MATERIALIZED (SELECT * FROM {{ ref('order_lines') }} WHERE customer_id IS NOT NULL),

{% if is_incremental() -%}
touched AS (
    SELECT source, customer_id
    FROM states
    WHERE batch > {{ last_batch() }} OR superseded_batch > {{ last_batch() }}
),
{%- endif %}

orders AS (
    SELECT
        source,
        customer_id,
        order_id,
        channel,
        ordered_on,
        is_cancelled,
        superseded_on IS NULL AS is_current,
        sum(units) AS units,
        sum(revenue) AS revenue,
        sum(discount) AS discount,
        max(batch) AS batch
    FROM states
    {% if is_incremental() -%}
    WHERE (source, customer_id) IN (SELECT source, customer_id FROM touched)
    {% endif -%}
    GROUP BY source, customer_id, order_id, channel, ordered_on, is_cancelled, superseded_on IS NULL
),

judged AS (SELECT *, is_current AND NOT is_cancelled AS is_sold FROM orders)

SELECT
    source,
    customer_id,
    min(ordered_on) FILTER (WHERE is_sold) AS first_order_on,
    max(ordered_on) FILTER (WHERE is_sold) AS last_order_on,
    count(*) FILTER (WHERE is_sold) AS orders,
    count(*) FILTER (WHERE is_current AND is_cancelled) AS orders_cancelled,
    count(*) FILTER (WHERE is_sold AND channel = 'agent') AS orders_by_agent,
    CAST(coalesce(sum(units) FILTER (WHERE is_sold), 0) AS BIGINT) AS units,
    CAST(coalesce(sum(revenue) FILTER (WHERE is_sold), 0) AS DECIMAL(18, 2)) AS revenue,
    CAST(coalesce(sum(discount) FILTER (WHERE is_sold), 0) AS DECIMAL(18, 2)) AS discount,
    max(batch) AS batch
FROM judged
GROUP BY source, customer_id
