{{ config(materialized='view') }}

-- One row per SKU, location and week in a mailer or on display, as planned. Promotions with dates
-- of their own are in promotion_plans.
{{ from_sources('promotions', {
    'sku': 'varchar', 'location_id': 'varchar', 'week': 'date', 'in_mailer': 'boolean',
    'on_front_page': 'boolean', 'on_back_page': 'boolean', 'is_coupon_or_feature': 'boolean',
    'on_display': 'boolean', 'known_on': 'date', 'batch': 'integer',
}) }}
