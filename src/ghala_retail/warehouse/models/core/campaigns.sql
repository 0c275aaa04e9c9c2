-- One row per marketing campaign.
{{ from_sources('campaigns', {
    'campaign_id': 'varchar', 'campaign_type': 'varchar', 'starts_on': 'date', 'ends_on': 'date',
    'contact_cost': 'decimal(12,2)', 'discount': 'decimal(12,2)', 'currency': 'varchar',
    'holdout_share': 'decimal(5,4)', 'known_on': 'date', 'batch': 'integer',
}) }}
