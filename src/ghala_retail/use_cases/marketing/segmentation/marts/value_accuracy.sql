-- Whether the orders that were expected of the next 13 weeks came, per version and stage, on the
-- newest day of each version that is that old. Beside it, as many as in the 13 weeks before.
WITH known AS (SELECT max(known_on) AS until FROM {{ ref('order_lines') }}),

days AS (
    SELECT version, max(as_of) AS as_of
    FROM {{ source('platform', 'marketing__segmentation_predictions') }}
    CROSS JOIN known
    WHERE as_of + 92 <= until
    GROUP BY version
),

came AS (
    SELECT
        days.version,
        lines.customer_id,
        count(DISTINCT CASE WHEN lines.ordered_on >= days.as_of THEN lines.order_id END) AS orders,
        count(DISTINCT CASE WHEN lines.ordered_on < days.as_of THEN lines.order_id END) AS before
    FROM days
    INNER JOIN {{ ref('order_lines') }} AS lines
        ON lines.ordered_on >= days.as_of - 91 AND lines.ordered_on < days.as_of + 91
    WHERE lines.superseded_on IS NULL AND NOT lines.is_cancelled
    GROUP BY days.version, lines.customer_id
)

SELECT
    said.version,
    said.as_of,
    said.stage,
    count(*) AS customers,
    CAST(sum(said.orders_13w) AS DOUBLE PRECISION) AS expected,
    CAST(sum(coalesce(came.orders, 0)) AS BIGINT) AS orders,
    CAST(sum(coalesce(came.before, 0)) AS BIGINT) AS orders_before,
    CAST(avg(abs(said.orders_13w - coalesce(came.orders, 0))) AS DOUBLE PRECISION) AS mean_error,
    CAST(avg(abs(coalesce(came.before, 0) - coalesce(came.orders, 0))) AS DOUBLE PRECISION)
        AS mean_error_before
FROM {{ source('platform', 'marketing__segmentation_predictions') }} AS said
INNER JOIN days USING (version, as_of)
LEFT JOIN came ON came.version = said.version AND came.customer_id = said.customer_id
GROUP BY said.version, said.as_of, said.stage
