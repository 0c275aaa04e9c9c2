{{ from_sources('campaign_exposures', ['campaign_id', 'customer_id']) }}
