{# What the engines say differently, each macro with one implementation per engine. #}

{# One row per day, or per `every` days, from `first` on to `last`, which is included. #}
{% macro each_day(first, last, every=1) -%}
    {{ return(adapter.dispatch('each_day')(first, last, every)) }}
{%- endmacro %}

{% macro default__each_day(first, last, every=1) -%}
    generate_series({{ first }}, {{ last }}, INTERVAL '{{ every }} day')
{%- endmacro %}

{% macro duckdb__each_day(first, last, every=1) -%}
    unnest(generate_series({{ first }}, {{ last }}, INTERVAL '{{ every }} day'))
{%- endmacro %}

{# Tell the planner what a new table holds; DuckDB knows it. #}
{% macro gather_statistics(relation) -%}
    {{ return(adapter.dispatch('gather_statistics')(relation)) }}
{%- endmacro %}

{% macro default__gather_statistics(relation) -%}{%- endmacro %}

{% macro postgres__gather_statistics(relation) -%}
    {% if model.config.materialized != 'view' %}ANALYZE {{ relation }}{% endif %}
{%- endmacro %}
