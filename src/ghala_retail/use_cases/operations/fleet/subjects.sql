-- What is decided: the trucks of every depot on the day of `as_of` and the 27 after it, with its own
-- trucks and the calendar as known then. The first day also holds yesterday's orders as drops: who
-- gets them, as eight digits of a digest, and how many litres. An agent's orders are one drop.
-- An SKU of unknown size counts as its category's mean.
WITH depots AS (
    SELECT origins.as_of, history.location_id, history.own_trucks
    FROM origins
    INNER JOIN core.location_history AS history
        ON history.known_on <= origins.as_of
        AND (history.superseded_on IS NULL OR history.superseded_on > origins.as_of)
        AND (history.valid_from IS NULL OR history.valid_from <= origins.as_of)
        AND (history.valid_to IS NULL OR history.valid_to > origins.as_of)
    WHERE coalesce(history.location_kind, 'depot') = 'depot'
),

sizes AS (
    SELECT sku, volume_l,
        coalesce(
            volume_l,
            CAST(avg(volume_l) OVER (PARTITION BY category) AS DECIMAL(12, 3)),
            CAST(avg(volume_l) OVER () AS DECIMAL(12, 3))
        ) AS litres
    FROM core.products
),

dropped AS (
    SELECT
        origins.as_of,
        lines.location_id,
        substr(md5(coalesce(lines.agent_id, lines.customer_id)), 1, 8) AS place,
        sum(lines.units * coalesce(sizes.litres, 0)) AS litres,
        sum(lines.units) AS units,
        coalesce(sum(lines.units) FILTER (WHERE sizes.volume_l IS NOT NULL), 0) AS measured
    FROM origins
    INNER JOIN core.order_lines AS lines
        ON lines.ordered_on = origins.as_of - 1 AND lines.known_on <= origins.as_of
        AND (lines.superseded_on IS NULL OR lines.superseded_on > origins.as_of)
    LEFT JOIN sizes ON sizes.sku = lines.sku
    WHERE lines.units > 0 AND coalesce(lines.agent_id, lines.customer_id) IS NOT NULL
    GROUP BY 1, 2, 3
),

drops AS (
    SELECT
        as_of,
        location_id,
        string_agg(
            place || ':' || CAST(CAST(litres AS DECIMAL(12, 1)) AS VARCHAR), ' ' ORDER BY place
        ) AS drops,
        CAST(sum(measured) AS DOUBLE PRECISION) / sum(units) AS size_known
    FROM dropped
    GROUP BY as_of, location_id
),

usual AS (
    SELECT
        origins.as_of,
        told.location_id,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY told.trips) AS p95_trips
    FROM origins
    INNER JOIN features.depot_trips AS told
        ON told.day BETWEEN origins.as_of - 364 AND origins.as_of - 1
        AND told.known_on <= origins.as_of
    GROUP BY origins.as_of, told.location_id
)

SELECT
    depots.as_of,
    depots.location_id,
    calendar.day,
    CAST(calendar.day - depots.as_of AS BIGINT) AS days_ahead,
    calendar.day_of_week AS weekday,
    'location_day' AS grain,
    depots.location_id || '|' || CAST(calendar.day_of_week AS VARCHAR) AS series,
    calendar.day_of_month,
    calendar.days_since_payday,
    calendar.days_to_event,
    CASE WHEN calendar.is_public_day THEN 1 ELSE 0 END AS public_day,
    CASE WHEN calendar.is_religious_day THEN 1 ELSE 0 END AS religious_day,
    CASE WHEN calendar.is_school_day THEN 1 ELSE 0 END AS school_day,
    depots.own_trucks,
    CAST(usual.p95_trips AS DOUBLE PRECISION) AS p95_trips,
    CASE WHEN calendar.day = depots.as_of THEN drops.drops END AS drops,
    CASE WHEN calendar.day = depots.as_of THEN drops.size_known END AS size_known
FROM depots
INNER JOIN core.calendar AS calendar
    ON calendar.day BETWEEN depots.as_of AND depots.as_of + 27
LEFT JOIN drops ON drops.as_of = depots.as_of AND drops.location_id = depots.location_id
LEFT JOIN usual ON usual.as_of = depots.as_of AND usual.location_id = depots.location_id
