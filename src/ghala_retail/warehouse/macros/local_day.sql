{# The day of a UTC time in the company's zone. #}
{% macro local_day(moment) -%}
    CAST({{ local_time(moment) }} AS DATE)
{%- endmacro %}

{# A UTC time as the clocks of the company show it. #}
{% macro local_time(moment) -%}
    {{ moment }} AT TIME ZONE 'UTC' AT TIME ZONE '{{ var("company_timezone") }}'
{%- endmacro %}
