{#
    The rows of one staging entity over every source in use. A source that does not bring the
    entity adds no rows; when none brings it, the relation is empty with the given columns.
#}
{% macro from_sources(entity, columns) -%}
    {%- set bringing = [] -%}
    {%- for source in var('sources') if 'stg_' ~ source ~ '__' ~ entity in var('staged') -%}
        {%- do bringing.append(source) -%}
    {%- endfor -%}
    {%- for source in bringing %}
    SELECT '{{ source }}' AS source, {{ columns | join(', ') }}
    FROM {{ ref('stg_' ~ source ~ '__' ~ entity) }}
    {%- if not loop.last %}
    UNION ALL
    {%- endif -%}
    {%- else %}
    SELECT NULL AS source{% for column in columns %}, NULL AS {{ column }}{% endfor %} WHERE false
    {%- endfor -%}
{%- endmacro %}
