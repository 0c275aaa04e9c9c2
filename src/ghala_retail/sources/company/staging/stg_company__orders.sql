-- One row per order and delivery of it, over both channels. Times are UTC.
{% for channel, feed in {
    'web': source('raw', 'company__web_orders'),
    'agent': source('raw', 'company__agent_orders'),
}.items() %}
SELECT
    CAST(order_id AS VARCHAR) AS order_id,
    '{{ channel }}' AS channel,
    CAST(customer_id AS VARCHAR) AS customer_id,
    CAST(agent_id AS VARCHAR) AS agent_id,
    depot_id AS location_id,
    ordered_at,
    status,
    delivery_fee_kes AS delivery_fee,
    'KES' AS currency,
    _arrived_on AS known_on,
    _batch AS batch
FROM {{ feed }}
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
