{{ config(materialized='incremental' if not var('decisions_planned') else 'table',
          incremental_strategy='delete+insert', unique_key=['grain', 'series', 'target_week']) }}

-- The frozen plan: how much of a series is promoted in a week, in every state in which that was
-- planned, never as it was executed. What was planned on a day D are the rows with
-- `known_on <= D AND (superseded_on IS NULL OR superseded_on > D)`.
--
-- In a depot each SKU is planned by itself. Elsewhere shares are weighted with the sales known when
-- the plan arrived: by location for a SKU over the chain, by SKU for a category in a location.
{% set measures = [
    'mailer_share', 'front_share', 'back_share', 'feature_share', 'display_share', 'discount_share',
] %}
WITH depots AS (
    SELECT DISTINCT location_id FROM {{ ref('locations') }} WHERE location_kind = 'depot'
),

planned AS NOT MATERIALIZED (
    SELECT
        snapshot.*,
        snapshot.place AS location_id,
        depots.location_id IS NOT NULL AS is_depot
    FROM {{ ref('plan_snapshot') }} AS snapshot
    LEFT JOIN depots ON depots.location_id = snapshot.place
),

weekly AS NOT MATERIALIZED (
    -- a week is planned once
    SELECT * FROM planned
    WHERE what = 'weekly promotion' AND NOT is_depot
    {% if is_incremental() %}AND batch > {{ last_batch() }}{% endif %}
),

dated AS (
    -- all states of a week in which the new batches change one
    SELECT * FROM planned
    WHERE what = 'dated promotion'
    {% if is_incremental() -%}
    AND week IN (
        SELECT week FROM planned WHERE what = 'dated promotion' AND batch > {{ last_batch() }}
    )
    {%- endif %}
),

spread AS (SELECT * FROM dated WHERE NOT is_depot),

-- A plan by the week is one of the locations that it names; one with dates leaves locations out.
planning AS (
    SELECT source, known_on, location_id FROM weekly
    UNION
    SELECT dated.source, dated.known_on, places.location_id
    FROM (SELECT DISTINCT source, known_on FROM spread) AS dated
    INNER JOIN {{ ref('locations') }} AS places
        ON places.source = dated.source AND coalesce(places.location_kind, 'store') <> 'depot'
    UNION
    SELECT source, known_on, location_id FROM spread
),

-- Sales count from the Monday on which they are known. The first plans came before any sale was:
-- they are weighted with the first weeks' sales, which no forecast looks at (the first origin lies
-- eight weeks later).
arrivals AS (
    SELECT
        source,
        known_on,
        greatest(
            CAST(date_trunc('week', known_on) AS DATE),
            (SELECT min(week) + 28 FROM {{ ref('sku_location_week') }})
        ) AS monday
    FROM (SELECT DISTINCT source, known_on FROM planning) AS arrived
),

mondays AS (SELECT DISTINCT monday FROM arrivals),

sales AS (
    SELECT
        sales.sku,
        products.category,
        sales.location_id,
        CAST(date_trunc('week', sales.known_on + 6) AS DATE) AS monday,
        sales.units
    FROM {{ ref('sku_location_week') }} AS sales
    LEFT JOIN {{ ref('products') }} AS products USING (sku)
    WHERE sales.known_on > (SELECT min(monday) - 189 FROM mondays)
        AND sales.location_id NOT IN (SELECT location_id FROM depots)
),

{% for name, key in {'location': 'location_id', 'sku': 'sku, category'}.items() -%}
-- What was sold in the 26 weeks up to each Monday that is asked for: a running sum over the weeks
-- and the Mondays, which add nothing to it.
{{ name }}_weight AS (
    SELECT {{ key }}, monday, CAST(units AS DOUBLE PRECISION) AS weight
    FROM (
        SELECT
            {{ key }},
            monday,
            is_asked,
            sum(units) OVER (
                PARTITION BY {{ key }} ORDER BY monday
                RANGE BETWEEN INTERVAL '175 days' PRECEDING AND CURRENT ROW
            ) AS units
        FROM (
            SELECT {{ key }}, monday, sum(units) AS units, false AS is_asked
            FROM sales
            GROUP BY {{ key }}, monday
            UNION ALL
            SELECT {{ key }}, mondays.monday, NULL, true
            FROM (SELECT DISTINCT {{ key }} FROM sales) AS sold
            CROSS JOIN mondays
        ) AS weeks
    ) AS running
    WHERE is_asked AND units IS NOT NULL {{ 'AND category IS NOT NULL' if name == 'sku' }}
),

{% endfor -%}
chain_weight AS (
    SELECT source, known_on, sum(weight) AS total
    FROM planning
    INNER JOIN arrivals USING (source, known_on)
    INNER JOIN location_weight USING (monday, location_id)
    GROUP BY source, known_on
),

category_weight AS (
    SELECT monday, category, sum(weight) AS total FROM sku_weight GROUP BY monday, category
),

shares AS (
    {% for plan in ('weekly', 'spread') -%}
    {% if not loop.first %}UNION ALL{% endif %}
    SELECT
        'sku_chain' AS grain,
        plan.sku AS series,
        plan.week AS target_week,
        plan.known_on,
        plan.superseded_on,
        plan.batch,
        {% for name in measures %}
        coalesce(sum(weight * {{ name }}) / nullif(max(total), 0), 0) AS {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    FROM {{ plan }} AS plan
    INNER JOIN arrivals USING (source, known_on)
    INNER JOIN location_weight USING (monday, location_id)
    INNER JOIN chain_weight USING (source, known_on)
    GROUP BY plan.sku, plan.week, plan.known_on, plan.superseded_on, plan.batch
    UNION ALL
    SELECT
        'category_store',
        category || '|' || plan.location_id,
        plan.week,
        plan.known_on,
        plan.superseded_on,
        plan.batch,
        {% for name in measures %}
        coalesce(sum(weight * {{ name }}) / nullif(max(total), 0), 0) AS {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    FROM {{ plan }} AS plan
    INNER JOIN arrivals USING (source, known_on)
    INNER JOIN sku_weight USING (monday, sku)
    INNER JOIN category_weight USING (monday, category)
    GROUP BY
        category, plan.location_id, plan.week, plan.known_on, plan.superseded_on, plan.batch
    {% endfor %}
    UNION ALL
    -- a SKU in a depot needs no weights
    SELECT
        'sku_location',
        dated.sku || '|' || dated.location_id,
        dated.week,
        dated.known_on,
        dated.superseded_on,
        dated.batch,
        {% for name in measures %}
        {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    FROM dated
    WHERE is_depot
)

SELECT *, {{ lift_class() }} AS lift_class FROM shares
