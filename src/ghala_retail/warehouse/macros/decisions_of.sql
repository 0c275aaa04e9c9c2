{#
    The predictions of a use case whose decisions the plan counts on; none where the workspace does not
    run it, or does not carry decisions out (the variable `decisions_planned`).
#}
{% macro decisions_of(use_case) -%}
    {%- if var('decisions_planned') and use_case in var('use_cases') -%}
    {{ return(source('platform', use_case.replace('/', '__') ~ '_predictions')) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
