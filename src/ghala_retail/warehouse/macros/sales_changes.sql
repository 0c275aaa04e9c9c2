{#
    What each batch changed in the sales of a SKU and location per `period`, a day column of the
    order lines: a superseded state of a line takes back what it added.

    An incremental run writes anew what the orders of the new batches touch, and nothing else: every
    SKU of such an order in every place and period it was ever known in.
#}
{% macro sales_changes(period, name) -%}
    WITH
    {% if is_incremental() -%}
    touched AS (
        SELECT source, order_id
        FROM {{ ref('order_lines') }}
        WHERE batch > {{ last_batch() }} OR superseded_batch > {{ last_batch() }}
    ),

    touched_lines AS MATERIALIZED (
        SELECT source, order_id, sku, location_id, {{ period }}
        FROM {{ ref('order_lines') }}
        WHERE (source, order_id) IN (SELECT source, order_id FROM touched)
    ),

    cells AS (
        SELECT DISTINCT what.sku, place.location_id, place.{{ period }}
        FROM touched_lines AS what
        INNER JOIN touched_lines AS place
            ON place.source = what.source AND place.order_id = what.order_id
    ),
    {%- endif %}

    states AS {{ 'MATERIALIZED' if is_incremental() else 'NOT MATERIALIZED' }} (
        SELECT *
        FROM {{ ref('order_lines') }}
        {% if is_incremental() -%}
        WHERE (sku, location_id, {{ period }}) IN (SELECT sku, location_id, {{ period }} FROM cells)
        {%- endif %}
    ),

    changes AS (
        SELECT
            sku, location_id, {{ period }} AS {{ name }}, known_on, batch, units, revenue, discount,
            CASE WHEN units > 0 THEN 1 ELSE 0 END AS lines
        FROM states
        UNION ALL
        SELECT
            sku, location_id, {{ period }}, superseded_on, superseded_batch, -units, -revenue,
            -discount, CASE WHEN units > 0 THEN -1 ELSE 0 END
        FROM states
        WHERE superseded_on IS NOT NULL
    )

    SELECT
        sku,
        location_id,
        {{ name }},
        known_on,
        batch,
        CAST(sum(units) AS BIGINT) AS units,
        CAST(sum(revenue) AS DECIMAL(18, 2)) AS revenue,
        CAST(sum(discount) AS DECIMAL(18, 2)) AS discount,
        CAST(sum(lines) AS BIGINT) AS lines
    FROM changes
    GROUP BY sku, location_id, {{ name }}, known_on, batch
{%- endmacro %}
