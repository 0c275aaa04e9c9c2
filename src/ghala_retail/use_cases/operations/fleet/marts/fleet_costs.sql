-- What committing to trucks cost, in KES, beside a fleet for 19 of 20 days and the weekday's mean,
-- per version, role and week.
{% set lacking = "greatest(actual - greatest({}, own_trucks), 0) * spot_rate" %}
{% set booked = "greatest({} - own_trucks, 0) * contract_rate" %}
SELECT
    version,
    role,
    CAST(date_trunc('week', day) AS DATE) AS week,
    count(*) AS depot_days,
    sum(actual) AS trips,
    sum(greatest(actual - greatest(decision, own_trucks), 0)) AS spot_trips,
    {%- for name, who in (('cost_kes', 'decision'), ('cost_p95_fleet_kes', 'p95_fleet'),
                          ('cost_weekday_mean_kes', 'weekday_mean')) %}
    sum(own_trucks * own_rate + {{ booked.format(who) }} + {{ lacking.format(who) }}) AS {{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
FROM {{ source('platform', 'operations__fleet_predictions') }}
INNER JOIN {{ source('platform', 'operations__fleet_outcomes') }} USING (location_id, day)
GROUP BY version, role, CAST(date_trunc('week', day) AS DATE)
