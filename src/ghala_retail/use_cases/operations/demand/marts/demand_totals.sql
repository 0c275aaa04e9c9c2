-- What is wanted in a week of each SKU, each category and each depot: sums of demand_days, so that all add up.
{% for level, column in {'sku': 'sku', 'category': 'category', 'location': 'location_id'}.items() -%}
{% if not loop.first %}UNION ALL{% endif %}
SELECT
    as_of,
    '{{ level }}' AS level,
    {{ column }} AS name,
    CAST(date_trunc('week', day) AS DATE) AS week,
    sum(units) AS units
FROM {{ ref('demand_days') }}
GROUP BY as_of, {{ column }}, CAST(date_trunc('week', day) AS DATE)
{% endfor %}
