{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'order_id']) }}

-- One row per order, line and state in which both were known. A line of a cancelled order sells
-- nothing; `units_ordered` stays what was ordered. Amounts include VAT.
--
-- A source brings lines with the order's columns (`order_lines`), or orders and lines apart: then
-- every state of a line is a row with every state of its order that was known at the same time.
-- `batch` is the newer of the two that make a row known, `superseded_batch` the one that ends it.
-- Files of several feeds are loaded feed by feed, so only days tell which state met which.
{% set amounts = {'sku': 'varchar', 'units': 'integer', 'discount': 'decimal(12,2)',
                  'currency': 'varchar', 'known_on': 'date', 'batch': 'integer'} %}
{% set order_of = {'order_id': 'varchar', 'customer_id': 'varchar', 'location_id': 'varchar',
                   'ordered_at': 'timestamp', 'ordered_on': 'date', 'revenue': 'decimal(12,2)'} %}
{% set line_of = {'order_id': 'varchar', 'line': 'varchar', 'unit_price': 'decimal(12,2)'} %}
WITH whole AS NOT MATERIALIZED (
    {{ from_sources('order_lines', dict(order_of, **amounts)) }}
),

parts AS NOT MATERIALIZED (
    {{ from_sources('lines', dict(line_of, **amounts)) }}
),

{{ touched_rows('whole_received', 'whole', ['order_id']) }},

{{ touched_rows('parts_received', 'parts', ['order_id'],
                also_touched='SELECT source, order_id FROM ' ~ ref('orders')
                ~ ' WHERE batch > ' ~ last_batch()) }},

whole_states AS (
    {{ chained('whole_received', ['source', 'order_id', 'sku']) }}
),

part_states AS (
    {{ chained('parts_received', ['source', 'order_id', 'line']) }}
),

sold AS (
    SELECT
        source, order_id, sku AS line, sku, CAST(NULL AS VARCHAR) AS channel, customer_id,
        CAST(NULL AS VARCHAR) AS agent_id, location_id, ordered_at, ordered_on,
        units AS units_ordered, units, CAST(NULL AS DECIMAL(12, 2)) AS unit_price, discount,
        revenue, currency, false AS is_cancelled, known_on, superseded_on, batch,
        superseded_batch, batch AS line_batch, batch AS order_batch
    FROM whole_states
    UNION ALL
    SELECT
        lines.source, lines.order_id, lines.line, lines.sku, orders.channel, orders.customer_id,
        orders.agent_id, orders.location_id, orders.ordered_at, orders.ordered_on,
        lines.units,
        CASE WHEN orders.is_cancelled THEN 0 ELSE lines.units END,
        lines.unit_price,
        CASE WHEN orders.is_cancelled THEN 0 ELSE lines.discount END,
        CAST(
            CASE
                WHEN orders.is_cancelled THEN 0
                ELSE lines.units * lines.unit_price - lines.discount
            END AS DECIMAL(12, 2)
        ),
        lines.currency,
        orders.is_cancelled,
        greatest(lines.known_on, orders.known_on),
        least(lines.superseded_on, orders.superseded_on),
        greatest(lines.batch, orders.batch),
        CASE
            WHEN lines.superseded_on < orders.superseded_on THEN lines.superseded_batch
            WHEN orders.superseded_on < lines.superseded_on THEN orders.superseded_batch
            ELSE greatest(lines.superseded_batch, orders.superseded_batch)
        END,
        lines.batch,
        orders.batch
    FROM part_states AS lines
    INNER JOIN {{ ref('orders') }} AS orders
        ON orders.source = lines.source AND orders.order_id = lines.order_id
        AND (orders.superseded_on IS NULL OR lines.known_on <= orders.superseded_on)
        AND (lines.superseded_on IS NULL OR orders.known_on <= lines.superseded_on)
)

SELECT *, CAST(date_trunc('week', ordered_on) AS DATE) AS week
FROM sold
