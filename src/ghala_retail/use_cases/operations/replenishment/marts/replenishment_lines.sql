-- What to order: the champion's newest decision per SKU and depot, with the supplier and what it costs.
SELECT
    as_of,
    supplier_id,
    location_id,
    sku,
    decision AS units,
    decision * unit_cost AS cost_kes,
    closing AS on_hand,
    on_order,
    decision_point AS reorder_point,
    decision_top AS order_up_to,
    service AS service_level,
    infeasible
FROM {{ source('platform', 'operations__replenishment_predictions') }}
WHERE role = 'champion' AND (decision > 0 OR infeasible IS NOT NULL)
    AND as_of = (
        SELECT max(as_of) FROM {{ source('platform', 'operations__replenishment_predictions') }}
        WHERE role = 'champion'
    )
