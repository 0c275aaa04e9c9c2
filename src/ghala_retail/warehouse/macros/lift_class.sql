{# How strongly a week is promoted: 0 not, 1 to 4 by mailer, and +10 or +20 by display. #}
{% macro lift_class() -%}
    CASE
        WHEN mailer_share < 0.02 THEN 0
        WHEN mailer_share < 0.15 THEN 1
        WHEN mailer_share < 0.5 THEN 2
        WHEN front_share < 0.5 THEN 3
        ELSE 4
    END
    + CASE WHEN display_share < 0.05 THEN 0 WHEN display_share < 0.3 THEN 10 ELSE 20 END
{%- endmacro %}
