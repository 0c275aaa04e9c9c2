-- What is wanted of a SKU in a depot on a day of the next four weeks, from the champion's newest forecast: its
-- week, spread over the days as the depot's own forecast of its days is, and raised or lowered so that the
-- weeks of a depot add up as the depot's forecast says (proportional reconciliation; Gross & Sohl 1990).
-- A depot is forecast by what it ships, a SKU by what is wanted of it: the ratio of the two over all weeks
-- is kept, only how weeks differ is taken from the depot.
WITH newest AS (
    SELECT *
    FROM {{ source('platform', 'operations__demand_predictions') }}
    WHERE role = 'champion' AND as_of = (
        SELECT max(as_of) FROM {{ source('platform', 'operations__demand_predictions') }}
        WHERE role = 'champion'
    )
),

days AS (
    SELECT
        left(series, length(series) - 2) AS location_id,
        CAST(right(series, 1) AS INTEGER) AS weekday,
        target_week,
        mean,
        mean / nullif(sum(mean) OVER (PARTITION BY left(series, length(series) - 2), target_week), 0) AS share
    FROM newest
    WHERE grain = 'location_day'
),

skus AS (
    SELECT
        substr(series, 1, strpos(series, '|') - 1) AS sku,
        substr(series, strpos(series, '|') + 1) AS location_id,
        as_of,
        target_week,
        mean
    FROM newest
    WHERE grain = 'sku_location'
),

depots AS (
    SELECT skus.location_id, skus.target_week, skus.wanted, days.shipped
    FROM (SELECT location_id, target_week, sum(mean) AS wanted FROM skus GROUP BY location_id, target_week) AS skus
    INNER JOIN (SELECT location_id, target_week, sum(mean) AS shipped FROM days GROUP BY location_id, target_week) AS days
        ON days.location_id = skus.location_id AND days.target_week = skus.target_week
),

factors AS (
    SELECT
        location_id,
        target_week,
        shipped / nullif(wanted, 0)
            * sum(wanted) OVER (PARTITION BY location_id)
            / nullif(sum(shipped) OVER (PARTITION BY location_id), 0) AS factor
    FROM depots
)

SELECT
    skus.as_of,
    skus.sku,
    products.category,
    skus.location_id,
    CAST(skus.target_week + days.weekday - 1 AS DATE) AS day,
    skus.mean * coalesce(factors.factor, 1) * days.share AS units
FROM skus
INNER JOIN days ON days.location_id = skus.location_id AND days.target_week = skus.target_week
LEFT JOIN factors ON factors.location_id = skus.location_id AND factors.target_week = skus.target_week
LEFT JOIN {{ ref('products') }} AS products ON products.sku = skus.sku
