{{ config(materialized='view') }}

{{ from_sources('promotions', ['sku', 'location_id', 'week', 'in_mailer', 'on_front_page',
                               'on_back_page', 'is_coupon_or_feature', 'on_display', 'known_on',
                               'batch']) }}
