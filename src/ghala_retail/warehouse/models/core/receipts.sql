{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'purchase_id', 'sku']) }}

-- One row per order to a supplier, SKU, day on which some of it came in, and state in which the
-- receipt was known, with the terms of the order as they are known now.
WITH states AS (
    {{ as_known('receipts', ['purchase_id', 'sku', 'received_on'], {
        'purchase_id': 'varchar', 'sku': 'varchar', 'received_on': 'date', 'units': 'integer',
    }, touch=['purchase_id', 'sku'], also_touched='SELECT source, purchase_id, sku FROM '
        ~ ref('purchase_orders') ~ ' WHERE batch > ' ~ last_batch()) }}
)

SELECT
    states.source,
    states.purchase_id,
    states.sku,
    ordered.supplier_id,
    ordered.location_id,
    ordered.ordered_on,
    ordered.expected_on,
    states.received_on,
    states.received_on - ordered.ordered_on AS lead_time_days,
    states.received_on - ordered.expected_on AS days_late,
    ordered.units AS units_ordered,
    states.units,
    ordered.unit_cost,
    ordered.currency,
    states.known_on,
    states.superseded_on,
    states.batch,
    states.superseded_batch
FROM states
LEFT JOIN {{ ref('purchase_orders') }} AS ordered
    ON ordered.source = states.source AND ordered.purchase_id = states.purchase_id
    AND ordered.sku = states.sku AND ordered.superseded_on IS NULL
