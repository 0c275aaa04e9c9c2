-- The forecasts of operations/demand with what then happened.
SELECT
    forecasts.version,
    forecasts.role,
    forecasts.as_of,
    forecasts.grain,
    forecasts.series,
    forecasts.target_week,
    forecasts.horizon,
    forecasts.mean,
    forecasts.p10,
    forecasts.p50,
    forecasts.p90,
    forecasts.smart_mean,
    outcomes.actual,
    outcomes.known_on AS actual_known_on
FROM {{ source('platform', 'forecasts') }} AS forecasts
LEFT JOIN {{ source('platform', 'outcomes') }} AS outcomes
    USING (use_case, grain, series, target_week)
WHERE forecasts.use_case = 'operations/demand'
