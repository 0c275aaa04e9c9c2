{#
    `columns` are a row's key: together unique, and never null but for those that are `optional`.

    A long table whose batches are written once is asked only for its `newest` batches, those since the
    last build that succeeded, and whole in a full refresh. A view that is too long to be asked whole is
    asked for one value of a column: `sample` names a model and a column that both have.
#}
{% test is_key(model, columns, newest=false, optional=[], sample=none) %}
{% if newest and not flags.FULL_REFRESH -%}
{{ key_faults(model, columns, optional, newest_batches()) }}
{%- elif sample -%}
{{ key_faults(model, columns, optional, of_one(ref(sample[0]), sample[1])) }}
{%- else -%}
{{ key_faults(model, columns, optional) }}
{%- endif %}
{% endtest %}

{#
    `columns` are the key of a staging query, within the batches since the last build that succeeded:
    landing refuses what is there already, and what stands in the core is asked whole in a full refresh.
#}
{% test is_staged_key(model, columns) %}
{{ key_faults(model, columns, [], newest_batches()) }}
{% endtest %}

{# The keys that come twice or lack a value, over the rows for which `claim` holds. #}
{% macro key_faults(rows, columns, optional, claim='true') -%}
SELECT {{ columns | join(', ') }}, count(*) AS times
FROM {{ rows }}
WHERE {{ claim }}
GROUP BY {{ columns | join(', ') }}
HAVING count(*) > 1
{%- for column in columns if column not in optional %} OR {{ column }} IS NULL{% endfor %}
{%- endmacro %}

{% macro newest_batches() -%}
batch > (SELECT coalesce(max(CAST(digest AS BIGINT)), 0) FROM platform.built WHERE name = 'batch')
{%- endmacro %}

{#
    A claim with a literal, which reaches through joins and windows where a subquery does not. A catalog
    made before the first build finds no relation to take the literal from.
#}
{% macro of_one(relation, column) -%}
{%- set is_built = execute and load_relation(relation) is not none -%}
{%- set least = run_query('SELECT min(' ~ column ~ ') FROM ' ~ relation).columns[0][0] if is_built -%}
{{ column }} = '{{ (least or '') | string | replace("'", "''") }}'
{%- endmacro %}
