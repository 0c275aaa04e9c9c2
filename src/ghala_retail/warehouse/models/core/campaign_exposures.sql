{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'campaign_id', 'customer_id']) }}

-- One row per campaign, customer drawn (contacted or held out) and state in which it was known.
{{ as_known('campaign_exposures', ['campaign_id', 'customer_id'], {
    'campaign_id': 'varchar', 'customer_id': 'varchar', 'is_contacted': 'boolean',
    'propensity': 'double precision', 'assigned_on': 'date',
}) }}
