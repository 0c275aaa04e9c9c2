-- One row per location and day on which the number of its SKUs without stock at the end of the day
-- changed, as known now; it holds until the next row of the location.
WITH turns AS (
    SELECT location_id, from_day AS day, 1 AS change
    FROM {{ ref('stock_spells') }}
    WHERE is_stockout
    UNION ALL
    SELECT location_id, to_day, -1
    FROM {{ ref('stock_spells') }}
    WHERE is_stockout AND to_day IS NOT NULL
),

daily AS (
    SELECT
        location_id,
        day,
        sum(change) AS change,
        sum(CASE WHEN change > 0 THEN 1 ELSE 0 END) AS skus_run_out
    FROM turns
    GROUP BY location_id, day
)

SELECT
    location_id,
    day,
    CAST(sum(change) OVER (PARTITION BY location_id ORDER BY day) AS BIGINT) AS skus_out,
    CAST(skus_run_out AS BIGINT) AS skus_run_out
FROM daily
