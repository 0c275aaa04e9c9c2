-- How good each forecast was, beside the baselines, per version, grain, week and horizon.
SELECT
    version,
    role,
    grain,
    target_week,
    horizon,
    count(*) AS forecasts,
    sum(actual) AS units,
    sum(abs(mean - actual)) / nullif(sum(actual), 0) AS wape,
    sum(abs(smart_mean - actual)) / nullif(sum(actual), 0) AS wape_smart_mean,
    sum(abs(recent_mean - actual)) / nullif(sum(actual), 0) AS wape_recent_mean,
    (sum(mean) - sum(actual)) / nullif(sum(actual), 0) AS bias,
    CAST(avg(CASE WHEN actual BETWEEN p10 AND p90 THEN 1.0 ELSE 0.0 END) AS DOUBLE PRECISION)
        AS inside_80
FROM {{ source('platform', 'operations__demand_predictions') }}
INNER JOIN {{ source('platform', 'operations__demand_outcomes') }}
    USING (grain, series, target_week)
GROUP BY version, role, grain, target_week, horizon
