{# What the engines say differently, each macro with one implementation per engine. #}

{# One row per day from `first` to `last`, both included. #}
{% macro each_day(first, last) -%}
    {{ return(adapter.dispatch('each_day')(first, last)) }}
{%- endmacro %}

{% macro default__each_day(first, last) -%}
    generate_series({{ first }}, {{ last }}, INTERVAL '1 day')
{%- endmacro %}

{% macro duckdb__each_day(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}, INTERVAL '1 day'))
{%- endmacro %}

{# Tell the planner what a new table holds; DuckDB knows it. #}
{% macro gather_statistics(relation) -%}
    {{ return(adapter.dispatch('gather_statistics')(relation)) }}
{%- endmacro %}

{% macro default__gather_statistics(relation) -%}{%- endmacro %}

{% macro postgres__gather_statistics(relation) -%}
    {% if model.config.materialized != 'view' %}ANALYZE {{ relation }}{% endif %}
{%- endmacro %}
