-- What each segment is like on a day, by stage of life: how many customers, what they will bring, and
-- what those who bought paid per order in the four weeks since.
SELECT
    said.version,
    said.role,
    said.as_of,
    said.segment,
    said.stage,
    count(*) AS customers,
    CAST(avg(said.certainty) AS DOUBLE PRECISION) AS mean_certainty,
    CAST(sum(said.orders_13w) AS DOUBLE PRECISION) AS orders_13w,
    CAST(sum(said.clv_52w) AS DOUBLE PRECISION) AS clv_52w,
    CAST(avg(said.spend_per_order) AS DOUBLE PRECISION) AS spend_per_order,
    count(CASE WHEN happened.actual > 0 THEN 1 END) AS bought,
    CAST(avg(CASE WHEN happened.actual > 0 THEN happened.actual END) AS DOUBLE PRECISION)
        AS paid_per_order
FROM {{ source('platform', 'marketing__segmentation_predictions') }} AS said
LEFT JOIN {{ source('platform', 'marketing__segmentation_outcomes') }} AS happened
    USING (customer_id, as_of)
GROUP BY said.version, said.role, said.as_of, said.segment, said.stage
