{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'customer_id']) }}

-- One row per customer, day from which it holds and state in which it was known.
{{ as_valid('customers', ['customer_id'], {
    'customer_id': 'varchar', 'location_id': 'varchar', 'agent_id': 'varchar',
    'registered_on': 'date', 'gender': 'varchar', 'birth_year': 'integer', 'age_band': 'varchar',
    'income_band': 'varchar', 'household_size': 'varchar', 'children': 'varchar',
}) }}
