{# The day of a UTC time in the company's zone. #}
{% macro local_day(moment) -%}
    CAST({{ moment }} AT TIME ZONE 'UTC' AT TIME ZONE '{{ var("company_timezone") }}' AS DATE)
{%- endmacro %}
