{{ config(materialized='view') }}

-- The plan snapshot: what is planned of a SKU in a zone or location for a week, in every state in
-- which that was known. Whoever looks ahead reads it, and nothing else. What was planned on a day D
-- are the rows with `known_on <= D AND (superseded_on IS NULL OR superseded_on > D)`.
--
-- `what` is a list price, a decided price (which goes before the list's), a dated promotion or one by
-- the week; a column that does not belong to it is null. Displays may be recorded as executed, so
-- they count only where a workspace says `displays_planned`.
{% set shares = ['mailer_share', 'front_share', 'back_share', 'feature_share', 'display_share', 'discount_share'] -%}
{% set flags = ['in_mailer', 'on_front_page', 'on_back_page', 'is_coupon_or_feature', 'on_display'] -%}
{% for what, prices in {'list price': 'planned_prices', 'decided price': 'decided_prices'}.items() -%}
SELECT
    '{{ what }}' AS what,
    source,
    sku,
    zone AS place,
    week,
    known_on,
    superseded_on,
    {{ 'batch' if prices == 'planned_prices' else '0' }} AS batch,
    list_price,
    {% for share in shares -%}
    CAST(NULL AS DOUBLE PRECISION) AS {{ share }}{{ ',' if not loop.last }}
    {% endfor %}
FROM {{ ref(prices) }}
UNION ALL
{% endfor -%}
SELECT
    'dated promotion',
    source,
    sku,
    location_id,
    week,
    known_on,
    superseded_on,
    batch,
    NULL,
    promoted_share,
    featured_share,
    0,
    0,
    0,
    discount_share
FROM {{ ref('planned_promotions') }}
UNION ALL
SELECT
    'weekly promotion',
    source,
    sku,
    location_id,
    week,
    known_on,
    NULL,  -- a week is planned once
    batch,
    NULL,
    {% for flag in flags -%}
    CASE WHEN {{ flag if flag != 'on_display' or var('displays_planned') else 'false' }} THEN 1 ELSE 0 END,
    {% endfor -%}
    0
FROM {{ ref('promotions') }}
