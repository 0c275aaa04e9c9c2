{{ from_sources('campaigns', ['campaign_id', 'campaign_type', 'starts_on', 'ends_on']) }}
