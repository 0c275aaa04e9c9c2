-- Hours planned and hours of work that came up, per version, role, week and task.
SELECT
    version,
    role,
    CAST(date_trunc('week', day) AS DATE) AS week,
    task,
    sum(4 * decision) AS planned_hours,
    sum(4 * decision * (1 - absence) * wage) AS wages_kes,
    sum(4 * two_shifts * (1 - absence) * wage) AS wages_two_shifts_kes,
    sum(4 * peak * (1 - absence) * wage) AS wages_peak_kes,
    sum(expected_hours) AS expected_hours,
    sum(actual) AS hours
FROM {{ source('platform', 'operations__workforce_predictions') }}
INNER JOIN {{ source('platform', 'operations__workforce_outcomes') }}
    USING (location_id, task, shift, day)
GROUP BY version, role, CAST(date_trunc('week', day) AS DATE), task
