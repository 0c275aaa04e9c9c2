{#
    Every state in which a row of a staging entity was known: one row per source, `key` and batch.

    A row with a key that came before is its new state. What was known on a day D are the rows with
    `known_on <= D AND (superseded_on IS NULL OR superseded_on > D)`: at most one per key. States
    follow each other by their day of arrival, whenever their files were landed: one that came too
    late stands before those that were delivered after it. The newest have `superseded_on` null.

    An incremental model reads and writes only what shares `source` and `touch` (the key, unless
    told) with the new batches, or with the query `also_touched`; it deletes by the same columns.
#}
{% macro as_known(entity, key, columns, touch=none, also_touched=none) -%}
    {%- set columns = dict(columns, known_on='date', batch='integer') -%}
    WITH arrived AS NOT MATERIALIZED (
        {{ from_sources(entity, columns) }}
    ),

    {{ touched_rows('received', 'arrived', touch or key, also_touched) }},

    chained AS (
        {{ chained('received', ['source'] + key) }}
    )

    SELECT
        source,
        {% for column in columns if column not in ('known_on', 'batch') -%}
        {{ column }},
        {% endfor -%}
        known_on, superseded_on, batch, superseded_batch
    FROM chained
{%- endmacro %}


{#
    The expression `name` of a WITH clause: the rows of `rows`, in an incremental run only those
    whose `source` and `key` the new batches or the query `also_touched` bring.
#}
{% macro touched_rows(name, rows, key, also_touched=none) -%}
    {%- set key = (['source'] + key) | join(', ') -%}
    {%- if is_incremental() -%}
    {{ name }} AS MATERIALIZED (
        SELECT * FROM {{ rows }}
        WHERE ({{ key }}) IN (
            SELECT {{ key }} FROM {{ rows }} WHERE batch > {{ last_batch() }}
            {%- if also_touched %} UNION {{ also_touched }}{% endif %}
        )
    )
    {%- else -%}
    {{ name }} AS NOT MATERIALIZED (SELECT * FROM {{ rows }})
    {%- endif -%}
{%- endmacro %}


{# The newest batch that a model holds: every later one is new to it. #}
{% macro last_batch() -%}
    (SELECT coalesce(max(batch), 0) FROM {{ this }})
{%- endmacro %}


{#
    The rows of the relation `rows` with `superseded_on` and `superseded_batch`. Few keys come again:
    only those are sorted.
#}
{% macro chained(rows, key) -%}
    {%- set key_list = key | join(', ') -%}
    WITH repeated AS (
        SELECT {{ key_list }} FROM {{ rows }} GROUP BY {{ key_list }} HAVING count(*) > 1
    ),

    linked AS (
        SELECT
            {{ key_list }}, batch,
            lead(known_on) OVER onward AS superseded_on,
            lead(batch) OVER onward AS superseded_batch
        FROM {{ rows }}
        INNER JOIN repeated USING ({{ key_list }})
        WINDOW onward AS (PARTITION BY {{ key_list }} ORDER BY known_on, batch)
    )

    SELECT
        this_row.*,
        linked.superseded_on,
        linked.superseded_batch
    FROM {{ rows }} AS this_row
    LEFT JOIN linked
        ON linked.batch = this_row.batch
        {%- for column in key %} AND linked.{{ column }} = this_row.{{ column }}{% endfor %}
{%- endmacro %}
