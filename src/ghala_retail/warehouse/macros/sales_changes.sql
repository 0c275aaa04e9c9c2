{#
    What each batch changed in the sales of a SKU and location per `period`, a day column of the
    order lines: a superseded state of a line takes back what it added.
#}
{% macro sales_changes(period, name) -%}
    WITH changes AS (
        SELECT sku, location_id, {{ period }} AS {{ name }}, known_on, batch, units, revenue, discount,
            CASE WHEN units > 0 THEN 1 ELSE 0 END AS lines
        FROM {{ ref('order_lines') }}
        {% if is_incremental() -%}
        WHERE batch > {{ last_batch() }}
        {% endif -%}
        UNION ALL
        SELECT sku, location_id, {{ period }}, superseded_on, superseded_batch, -units, -revenue,
            -discount, CASE WHEN units > 0 THEN -1 ELSE 0 END
        FROM {{ ref('order_lines') }}
        WHERE superseded_batch > {{ last_batch() if is_incremental() else 0 }}
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
