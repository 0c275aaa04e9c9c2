{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['sku', 'location_id', 'day']) }}

-- What one batch changed in the sales of a SKU, location and day: plus the new state of each line,
-- minus the one before it. Summing the rows with `known_on <= D` gives what was known on day D;
-- a day without rows sold nothing (ranged_days has those too).
{{ sales_changes('ordered_on', 'day') }}
