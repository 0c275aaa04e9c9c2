-- What may be ordered: every SKU in a depot that holds or sells it and is not delisted, with its stock
-- on the way, its supplier's terms, how its supplier's lead times came out, its price and its sizes, as
-- they were known at `as_of`.
WITH ranged AS (
    SELECT
        origins.as_of, history.sku, history.location_id, history.grain, history.series,
        history.category
    FROM origins
    INNER JOIN features.demand_history AS history
        ON history.week = CAST(date_trunc('week', origins.as_of) AS DATE) - 7
        AND history.known_on <= origins.as_of
    WHERE history.grain = 'sku_location'
),

products AS (
    SELECT
        origins.as_of, known.sku, max(known.supplier_id) AS supplier_id,
        max(known.pack_units) AS pack_units, max(known.shelf_life_days) AS shelf_life_days,
        max(known.volume_l) AS volume_l, max(known.vat_rate) AS vat_rate,
        min(known.delisted_on) AS delisted_on
    FROM origins
    INNER JOIN core.product_history AS known
        ON known.known_on <= origins.as_of
        AND (known.superseded_on IS NULL OR known.superseded_on > origins.as_of)
        AND (known.valid_to IS NULL OR known.valid_to > origins.as_of)
    GROUP BY origins.as_of, known.sku
),

terms AS (
    SELECT
        origins.as_of, known.supplier_id, max(known.moq_units) AS moq_units,
        max(known.lead_time_days) AS lead_time_days, max(known.break_units) AS break_units,
        max(known.break_discount) AS break_discount
    FROM origins
    INNER JOIN core.supplier_history AS known
        ON known.known_on <= origins.as_of
        AND (known.superseded_on IS NULL OR known.superseded_on > origins.as_of)
        AND (known.valid_to IS NULL OR known.valid_to > origins.as_of)
    GROUP BY origins.as_of, known.supplier_id
),

leads AS (
    SELECT
        origins.as_of, receipts.supplier_id,
        avg(CAST(receipts.lead_time_days AS DOUBLE PRECISION)) AS lead_days,
        stddev_samp(CAST(receipts.lead_time_days AS DOUBLE PRECISION)) AS lead_spread_days
    FROM origins
    INNER JOIN core.receipts AS receipts
        ON receipts.known_on BETWEEN origins.as_of - 182 AND origins.as_of
        AND (receipts.superseded_on IS NULL OR receipts.superseded_on > origins.as_of)
    GROUP BY origins.as_of, receipts.supplier_id
),

ordered AS (
    SELECT origins.as_of, known.sku, known.location_id, sum(known.units) AS units
    FROM origins
    INNER JOIN core.purchase_orders AS known
        ON known.known_on BETWEEN origins.as_of - 84 AND origins.as_of
        AND (known.superseded_on IS NULL OR known.superseded_on > origins.as_of)
        AND known.ordered_on > origins.as_of - 84
    GROUP BY origins.as_of, known.sku, known.location_id
),

received AS (
    SELECT origins.as_of, known.sku, known.location_id, sum(known.units) AS units
    FROM origins
    INNER JOIN core.receipts AS known
        ON known.known_on BETWEEN origins.as_of - 84 AND origins.as_of
        AND (known.superseded_on IS NULL OR known.superseded_on > origins.as_of)
        AND known.ordered_on > origins.as_of - 84
    GROUP BY origins.as_of, known.sku, known.location_id
),

listed AS (
    SELECT
        origins.as_of, known.sku, known.zone,
        CAST(max(known.price) AS DOUBLE PRECISION) AS price,
        CAST(max(known.unit_cost) AS DOUBLE PRECISION) AS unit_cost
    FROM origins
    INNER JOIN core.prices AS known
        ON known.known_on <= origins.as_of
        AND (known.superseded_on IS NULL OR known.superseded_on > origins.as_of)
        AND known.valid_from <= origins.as_of
        AND (known.valid_to IS NULL OR known.valid_to > origins.as_of)
    GROUP BY origins.as_of, known.sku, known.zone
)

SELECT
    ranged.as_of,
    ranged.sku,
    ranged.location_id,
    ranged.grain,
    ranged.series,
    ranged.category,
    products.supplier_id,
    products.pack_units,
    products.shelf_life_days,
    CAST(products.volume_l AS DOUBLE PRECISION) AS volume_l,
    CAST(products.vat_rate AS DOUBLE PRECISION) AS vat_rate,
    terms.moq_units,
    terms.break_units,
    CAST(terms.break_discount AS DOUBLE PRECISION) AS break_discount,
    coalesce(leads.lead_days, terms.lead_time_days) AS lead_days,
    leads.lead_spread_days,
    listed.price,
    listed.unit_cost,
    greatest(coalesce(ordered.units, 0) - coalesce(received.units, 0), 0) AS on_order
FROM ranged
INNER JOIN products ON products.as_of = ranged.as_of AND products.sku = ranged.sku
LEFT JOIN terms
    ON terms.as_of = ranged.as_of AND terms.supplier_id = products.supplier_id
LEFT JOIN leads
    ON leads.as_of = ranged.as_of AND leads.supplier_id = products.supplier_id
LEFT JOIN ordered
    ON ordered.as_of = ranged.as_of AND ordered.sku = ranged.sku
    AND ordered.location_id = ranged.location_id
LEFT JOIN received
    ON received.as_of = ranged.as_of AND received.sku = ranged.sku
    AND received.location_id = ranged.location_id
LEFT JOIN core.locations ON locations.location_id = ranged.location_id
LEFT JOIN listed
    ON listed.as_of = ranged.as_of AND listed.sku = ranged.sku AND listed.zone = locations.zone
WHERE products.delisted_on IS NULL OR products.delisted_on > ranged.as_of + 28
