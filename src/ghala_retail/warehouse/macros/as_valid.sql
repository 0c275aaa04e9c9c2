{#
    The slowly changing rows (type 2) of a staging entity whose rows hold from `valid_from` on until
    the next one of their `key`: one row per source, key, `valid_from` and state in which it was
    known. What was known on a day D of a day E are the rows with
    `known_on <= D AND (superseded_on IS NULL OR superseded_on > D)` and
    `valid_from <= E AND (valid_to IS NULL OR valid_to > E)`. The newest row `is_current`;
    `row_batch` is the batch that brought a row, `batch` the one that made its state known.

    A row ends when a later one becomes known, and ends earlier when one between the two arrives
    afterwards. A source without dates has rows since 1900-01-01.
#}
{% macro as_valid(entity, key, columns) -%}
    {%- set attributes = columns | list -%}
    {%- set columns = dict(columns, valid_from='date', known_on='date', batch='integer') -%}
    {%- set key = ['source'] + key -%}
    {%- set key_list = key | join(', ') -%}
    {%- set row_list = key_list ~ ', valid_from, row_batch' -%}
    WITH arrived AS NOT MATERIALIZED (
        {{ from_sources(entity, columns) }}
    ),

    {{ touched_rows('received', 'arrived', key[1:]) }},

    placed AS (
        SELECT
            source,
            {% for column in attributes -%}
            {{ column }},
            {% endfor -%}
            coalesce(valid_from, DATE '1900-01-01') AS valid_from,
            coalesce(known_on, DATE '1900-01-01') AS known_on,
            coalesce(batch, 0) AS row_batch
        FROM received
    ),

    ordered AS (
        SELECT
            {{ row_list }}, known_on,
            lead(valid_from) OVER onward AS next_from,
            lead(row_batch) OVER onward AS next_batch,
            lead(known_on) OVER onward AS next_known_on,
            row_batch < max(row_batch) OVER onward AS is_inserted
        FROM placed
        WINDOW onward AS (PARTITION BY {{ key_list }} ORDER BY valid_from, row_batch)
    ),

    -- Only where a row came after one that holds later do others than the next one end a row.
    disordered AS (SELECT DISTINCT {{ key_list }} FROM ordered WHERE is_inserted),

    events AS (
        SELECT {{ row_list }}, row_batch AS batch, known_on, CAST(NULL AS DATE) AS valid_to
        FROM ordered
        UNION ALL
        SELECT {{ row_list }}, greatest(row_batch, next_batch), greatest(known_on, next_known_on), next_from
        FROM ordered
        WHERE next_batch IS NOT NULL
        UNION ALL
        SELECT
            {% for column in key %}one.{{ column }}, {% endfor -%}
            one.valid_from, one.row_batch, greatest(one.row_batch, other.row_batch),
            greatest(one.known_on, other.known_on), other.valid_from
        FROM placed AS one
        INNER JOIN disordered USING ({{ key_list }})
        INNER JOIN placed AS other USING ({{ key_list }})
        WHERE other.valid_from > one.valid_from
            OR (other.valid_from = one.valid_from AND other.row_batch > one.row_batch)
    ),

    steps AS (
        SELECT {{ row_list }}, batch, max(known_on) AS known_on, min(valid_to) AS valid_to
        FROM events
        GROUP BY {{ row_list }}, batch
    ),

    running AS (
        SELECT
            {{ row_list }}, batch,
            max(known_on) OVER upto AS known_on,
            min(valid_to) OVER upto AS valid_to
        FROM steps
        WINDOW upto AS (PARTITION BY {{ row_list }} ORDER BY batch)
    ),

    compared AS (
        SELECT
            *,
            row_number() OVER upto AS step,
            lag(valid_to) OVER upto AS valid_to_before
        FROM running
        WINDOW upto AS (PARTITION BY {{ row_list }} ORDER BY batch)
    ),

    states AS (
        SELECT
            *,
            lead(known_on) OVER upto AS superseded_on,
            lead(batch) OVER upto AS superseded_batch
        FROM compared
        WHERE step = 1 OR valid_to IS DISTINCT FROM valid_to_before
        WINDOW upto AS (PARTITION BY {{ row_list }} ORDER BY batch)
    )

    SELECT
        placed.source,
        {% for column in attributes -%}
        placed.{{ column }},
        {% endfor -%}
        placed.valid_from,
        states.valid_to,
        states.superseded_on IS NULL AND states.valid_to IS NULL AS is_current,
        states.known_on,
        states.superseded_on,
        states.batch,
        states.superseded_batch,
        placed.row_batch
    FROM placed
    INNER JOIN states
        ON states.valid_from = placed.valid_from AND states.row_batch = placed.row_batch
        {%- for column in key %} AND states.{{ column }} = placed.{{ column }}{% endfor %}
    WHERE states.valid_to IS NULL OR states.valid_to > placed.valid_from
{%- endmacro %}


{# The rows of a slowly changing table that hold now, without the columns that say since when. #}
{% macro as_it_is_now(history) -%}
    {%- set left_out = ['valid_to', 'is_current', 'superseded_on', 'batch', 'superseded_batch', 'row_batch'] -%}
    {%- set columns = adapter.get_columns_in_relation(history) if execute else [] -%}
    SELECT {{ columns | map(attribute='name') | reject('in', left_out) | join(', ') }}
    FROM {{ history }}
    WHERE is_current
{%- endmacro %}
