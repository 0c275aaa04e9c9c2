-- What then happened: the units sold in the zone in the week of `as_of`, as known on the first
-- delivery after its end, with true zeros, put up to what full shelves would have sold. Weeks in
-- which the shelf was empty for more than half of the time say nothing of the demand.
WITH days AS (
    SELECT as_of, CAST(date_trunc('week', as_of) AS DATE) AS week FROM origins
),

closed AS (
    SELECT days.as_of, days.week, min(arrivals.known_on) AS known_on
    FROM days
    INNER JOIN (SELECT DISTINCT known_on FROM core.sku_location_week) AS arrivals
        ON arrivals.known_on >= days.week + 7
    GROUP BY days.as_of, days.week
),

sold AS (
    SELECT closed.as_of, sales.sku, sales.location_id, sum(sales.units) AS units
    FROM closed
    INNER JOIN core.sku_location_week AS sales
        ON sales.week = closed.week AND sales.known_on <= closed.known_on
    GROUP BY closed.as_of, sales.sku, sales.location_id
),

ranged AS (
    SELECT
        places.sku, coalesce(locations.zone, 'all') AS zone, places.location_id, places.first_day,
        sum(sales.units) AS weight
    FROM core.assortment AS places
    INNER JOIN core.locations AS locations ON locations.location_id = places.location_id
    INNER JOIN core.sku_location_week AS sales
        ON sales.sku = places.sku AND sales.location_id = places.location_id
    GROUP BY
        places.sku, coalesce(locations.zone, 'all'), places.location_id, places.first_day
    HAVING sum(sales.units) > 0
),

emptied AS (
    SELECT
        closed.as_of, spells.sku, spells.location_id,
        sum(
            least(coalesce(spells.to_day, closed.week + 7), closed.week + 7)
            - greatest(spells.from_day, closed.week)
        ) / 7.0 AS share
    FROM closed
    INNER JOIN core.stock_spells AS spells
        ON spells.is_stockout AND spells.from_day < closed.week + 7
        AND (spells.to_day IS NULL OR spells.to_day > closed.week)
    GROUP BY closed.as_of, spells.sku, spells.location_id
),

weeks AS (
    SELECT
        closed.as_of, ranged.sku, ranged.zone, closed.known_on,
        sum(coalesce(sold.units, 0)) AS units,
        1 - sum(ranged.weight * coalesce(emptied.share, 0)) / sum(ranged.weight) AS full_share
    FROM closed
    INNER JOIN ranged ON ranged.first_day <= closed.week
    LEFT JOIN sold
        ON sold.as_of = closed.as_of AND sold.sku = ranged.sku
        AND sold.location_id = ranged.location_id
    LEFT JOIN emptied
        ON emptied.as_of = closed.as_of AND emptied.sku = ranged.sku
        AND emptied.location_id = ranged.location_id
    GROUP BY closed.as_of, ranged.sku, ranged.zone, closed.known_on
)

SELECT
    as_of, sku, zone, known_on,
    CAST(greatest(units, 0) / full_share AS DOUBLE PRECISION) AS actual
FROM weeks
WHERE full_share > 0.5
