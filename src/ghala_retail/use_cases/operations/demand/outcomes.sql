-- What then happened: the units of every series and week that is known in full, with true zeros.
-- In a depot a week is known when its late orders are in. A SKU is judged by what was wanted of it,
-- as far as its shelf lets that be known; a depot's day by what was sold. A depot's week that fell below 0.7
-- of the quarter before was upset by something no forecast knows of: it is judged, but not learned from.
WITH depot_weeks AS (
    SELECT location_id, week, sum(units) AS units
    FROM features.demand_history
    WHERE grain = 'location_day'
    GROUP BY location_id, week
),

depots AS (
    SELECT location_id, week, units < 0.7 * avg(units) OVER quarter AS is_upset
    FROM depot_weeks
    WINDOW quarter AS (PARTITION BY location_id ORDER BY week ROWS BETWEEN 13 PRECEDING AND 1 PRECEDING)
)

SELECT
    history.grain,
    history.series,
    history.week AS target_week,
    CASE WHEN history.grain IN ('sku_location', 'location_day') THEN history.settled_on ELSE history.known_on END
        AS known_on,
    CASE history.grain
        WHEN 'sku_location' THEN history.settled_wanted WHEN 'location_day' THEN history.settled ELSE history.units
    END AS actual,
    coalesce(depots.is_upset, false) AS is_upset
FROM features.demand_history AS history
LEFT JOIN depots
    ON history.grain IN ('sku_location', 'location_day')
    AND depots.location_id = history.location_id AND depots.week = history.week
WHERE CASE history.grain
        WHEN 'sku_location' THEN history.settled_on IS NOT NULL AND history.settled_wanted IS NOT NULL
        WHEN 'location_day' THEN history.settled_on IS NOT NULL
        ELSE true
    END
