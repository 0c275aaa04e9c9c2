{#
    The predictions of a use case whose decisions the plan counts on; none where the workspace does not
    run it, or does not carry decisions out (the variable `decisions_planned`).
#}
{% macro decisions_of(use_case) -%}
    {{ return(predictions_of(use_case) if var('decisions_planned') else none) }}
{%- endmacro %}

{#
    What a use case had said before this build; none where the workspace does not run it. A use case that
    takes another's word so names it in `hears`.
#}
{% macro predictions_of(use_case) -%}
    {%- if use_case in var('use_cases') -%}
    {{ return(source('platform', use_case.replace('/', '__') ~ '_predictions')) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
