-- One row per order line and delivery of it, over both channels. Prices include VAT.
{% for channel, feed in {
    'web': source('raw', 'company__web_lines'),
    'agent': source('raw', 'company__agent_lines'),
}.items() %}
SELECT
    CAST(order_id AS VARCHAR) AS order_id,
    CAST(line AS VARCHAR) AS line,
    sku,
    units,
    unit_price_kes AS unit_price,
    discount_kes AS discount,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ feed }}
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
