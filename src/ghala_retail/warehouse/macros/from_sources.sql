{#
    The rows of one staging entity over every source in use, with `source` and the given columns
    (name to type). A source that lacks the entity adds no rows; one that lacks a column has
    nulls in it.
#}
{% macro from_sources(entity, columns) -%}
    {%- set bringing = [] -%}
    {%- for source in var('sources') if 'stg_' ~ source ~ '__' ~ entity in var('staged') -%}
        {%- do bringing.append(source) -%}
    {%- endfor -%}
    {%- for source in bringing -%}
    {%- set staged = ref('stg_' ~ source ~ '__' ~ entity) -%}
    {%- set brought = adapter.get_columns_in_relation(staged) if execute else [] -%}
    {#- DuckDB shows a name as the landed table writes it, whatever the query says: SKU AS sku. #}
    {%- set brought = brought | map(attribute='name') | map('lower') | list %}
    SELECT
        CAST('{{ source }}' AS VARCHAR) AS source
        {%- for column, type in columns.items() %},
        CAST({{ column if column in brought else 'NULL' }} AS {{ type }}) AS {{ column }}
        {%- endfor %}
    FROM {{ staged }}
    {%- if not loop.last %}
    UNION ALL
    {%- endif -%}
    {%- else %}
    SELECT
        CAST(NULL AS VARCHAR) AS source
        {%- for column, type in columns.items() %},
        CAST(NULL AS {{ type }}) AS {{ column }}
        {%- endfor %}
    WHERE false
    {%- endfor -%}
{%- endmacro %}
