{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['sku', 'location_id', 'week']) }}

-- What one batch changed in the sales of a SKU, location and week: plus the new state of each line,
-- minus the one before it. Summing the rows with `known_on <= D` gives what was known on day D,
-- corrections included.
{{ sales_changes('week', 'week') }}
