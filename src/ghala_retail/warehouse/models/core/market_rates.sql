{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'rate', 'place', 'day']) }}

-- One row per rate, place, day and state in which it was known.
{{ as_known('market_rates', ['rate', 'place', 'day'], {
    'rate': 'varchar', 'place': 'varchar', 'day': 'date', 'value': 'double precision',
}) }}
