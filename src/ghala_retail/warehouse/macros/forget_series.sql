{# Remove the series of demand_weeks that are none any more or changed their category; a changed one
   is then new to the build, which writes it whole. #}
{% macro forget_series() -%}
{% if is_incremental() -%}
DELETE FROM {{ this }} WHERE (grain, series, category) IN (
    SELECT DISTINCT grain, series, category FROM {{ this }}
    EXCEPT
    SELECT grain, series, category FROM {{ ref('demand_series') }}
)
{%- endif %}
{%- endmacro %}
