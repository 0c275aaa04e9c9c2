{{ config(materialized='incremental' if not var('decisions_planned') else 'table',
          incremental_strategy='delete+insert', unique_key='week') }}

-- One row per SKU, location and week with a dated promotion, and state in which that week's plan
-- was known: over how much of the week it was promoted, and with what share off its list price.
-- Every day on which a delivery changed anything in a week gives the whole week a new state, so a
-- promotion that was cancelled or moved stands on with zeros.
--
-- Where decisions are planned, so are the events that marketing/events decided on, from the day they
-- were scored until it spoke of the same category, location and week again. They come with no batch:
-- the table is then built whole.
{% set events = decisions_of('marketing/events') -%}
WITH {% if events -%}
decided AS (
    SELECT
        category, location_id, target_week, decision, featured, skus,
        as_of AS known_on,
        lead(as_of) OVER (
            PARTITION BY category, location_id, target_week ORDER BY as_of
        ) AS superseded_on
    FROM {{ events }}
    WHERE role = 'champion'
),

offered AS (
    SELECT decided.*, CAST(unnest(string_to_array(decided.skus, ',')) AS VARCHAR) AS sku
    FROM decided
    WHERE decision > 0
),

{% endif -%}
planned_days AS (
    SELECT
        source,
        sku,
        location_id,
        CAST({{ each_day('starts_on', 'ends_on') }} AS DATE) AS day,
        CASE WHEN is_cancelled THEN 0 ELSE 1 END AS promoted,
        CASE WHEN is_featured AND NOT is_cancelled THEN 1 ELSE 0 END AS featured,
        CASE WHEN is_cancelled THEN 0 ELSE discount_share END AS discount,
        known_on,
        superseded_on,
        batch,
        superseded_batch
    FROM {{ ref('promotion_plans') }}
    {% if events -%}
    UNION ALL
    SELECT
        places.source,
        offered.sku,
        offered.location_id,
        CAST({{ each_day('offered.target_week', 'offered.target_week + 6') }} AS DATE),
        1,
        CASE WHEN offered.featured > 0 THEN 1 ELSE 0 END,
        CAST(offered.decision AS DECIMAL(5, 4)),
        offered.known_on,
        offered.superseded_on,
        0,
        0
    FROM offered
    INNER JOIN {{ ref('locations') }} AS places ON places.location_id = offered.location_id
    {%- endif %}
),

changed AS (
    SELECT source, CAST(date_trunc('week', day) AS DATE) AS week, known_on, batch
    FROM planned_days
    UNION
    SELECT source, CAST(date_trunc('week', day) AS DATE), superseded_on, superseded_batch
    FROM planned_days
    WHERE superseded_on IS NOT NULL
),

states AS (
    SELECT
        source,
        week,
        known_on,
        lead(known_on) OVER (PARTITION BY source, week ORDER BY known_on) AS superseded_on,
        max(batch) AS batch
    FROM changed
    {% if is_incremental() -%}
    WHERE week IN (SELECT week FROM changed WHERE batch > {{ last_batch() }})
    {% endif -%}
    GROUP BY source, week, known_on
),

daily AS (
    SELECT
        states.source,
        days.sku,
        days.location_id,
        states.week,
        states.known_on,
        states.superseded_on,
        states.batch,
        max(CASE WHEN days.superseded_on <= states.known_on THEN 0 ELSE promoted END) AS promoted,
        max(CASE WHEN days.superseded_on <= states.known_on THEN 0 ELSE featured END) AS featured,
        max(CASE WHEN days.superseded_on <= states.known_on THEN 0 ELSE discount END) AS discount
    FROM states
    INNER JOIN planned_days AS days
        ON days.source = states.source AND days.day BETWEEN states.week AND states.week + 6
        AND days.known_on <= states.known_on
    GROUP BY
        states.source, days.sku, days.location_id, days.day, states.week, states.known_on,
        states.superseded_on, states.batch
)

SELECT
    source,
    sku,
    location_id,
    week,
    known_on,
    superseded_on,
    batch,
    CAST(sum(promoted) / 7.0 AS DOUBLE PRECISION) AS promoted_share,
    CAST(sum(featured) / 7.0 AS DOUBLE PRECISION) AS featured_share,
    CAST(sum(discount) / 7.0 AS DOUBLE PRECISION) AS discount_share
FROM daily
GROUP BY source, sku, location_id, week, known_on, superseded_on, batch
