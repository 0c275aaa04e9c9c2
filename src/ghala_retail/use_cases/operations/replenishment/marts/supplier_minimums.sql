-- The least order to negotiate with a supplier: what it asks of a depot today, what would cost the depot
-- nothing, and what the difference costs a year (the shadow price of the least order).
SELECT
    as_of,
    supplier_id,
    location_id,
    max(moq_units) AS moq_units,
    max(moq_wanted) AS moq_wanted,
    max(moq_cost_year) AS moq_cost_year_kes,
    max(cycle_weeks) AS cycle_weeks,
    count(*) AS skus
FROM {{ source('platform', 'operations__replenishment_predictions') }}
WHERE role = 'champion'
GROUP BY as_of, supplier_id, location_id
