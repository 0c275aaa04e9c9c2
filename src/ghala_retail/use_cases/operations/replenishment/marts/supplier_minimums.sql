-- The least order to negotiate with a supplier: what it asks of a depot today, what would cost the depot
-- nothing, and what the difference costs a year (the shadow price of the least order), beside what the
-- depot will want of all the supplier's SKUs in four weeks, by demand's joint paths.
SELECT
    as_of,
    supplier_id,
    location_id,
    max(moq_units) AS moq_units,
    max(moq_wanted) AS moq_wanted,
    max(moq_cost_year) AS moq_cost_year_kes,
    max(cycle_weeks) AS cycle_weeks,
    max(order_p10) AS wanted_4_weeks_p10,
    max(order_p90) AS wanted_4_weeks_p90,
    count(*) AS skus,
    max(infeasible) AS infeasible
FROM {{ source('platform', 'operations__replenishment_predictions') }}
WHERE role = 'champion'
GROUP BY as_of, supplier_id, location_id
