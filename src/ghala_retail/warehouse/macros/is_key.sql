{#
    `columns` are a row's key: never null, and together unique. A long table whose batches are
    written once is asked for its newest hundred batches only, and whole in a full refresh.
#}
{% test is_key(model, columns, newest=false) %}
SELECT {{ columns | join(', ') }}, count(*) AS times
FROM {{ model }}
{% if newest and not flags.FULL_REFRESH -%}
WHERE batch > (SELECT max(batch) - 100 FROM {{ model }})
{% endif -%}
GROUP BY {{ columns | join(', ') }}
HAVING count(*) > 1
{%- for column in columns %} OR {{ column }} IS NULL{% endfor %}
{% endtest %}
