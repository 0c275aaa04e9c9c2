-- One row per location and day since its first trip: the trucks that went out, as the first delivery
-- after the day told it, with true zeros. `units` are those that were picked.
WITH told AS (
    SELECT day, min(known_on) AS known_on FROM {{ ref('trips') }} GROUP BY day
),

opened AS (
    SELECT location_id, min(day) AS first_day FROM {{ ref('trips') }} GROUP BY location_id
),

driven AS (
    SELECT
        trips.location_id,
        trips.day,
        count(*) AS trips,
        sum(trips.stops) AS stops,
        sum(trips.volume_l) AS volume_l,
        sum(trips.distance_km) AS distance_km,
        sum(extract(epoch FROM trips.returned_at - trips.departed_at)) / 3600 AS hours,
        max(trips.stops) AS most_stops,
        max(trips.volume_l) AS most_volume_l,
        {%- for hire in ('own', 'contract', 'spot') %}
        count(*) FILTER (WHERE trips.hire = '{{ hire }}') AS {{ hire }}_trips,
        sum(trips.distance_km) FILTER (WHERE trips.hire = '{{ hire }}') AS {{ hire }}_km,
        sum(trips.cost) FILTER (WHERE trips.hire = '{{ hire }}') AS {{ hire }}_cost
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    FROM {{ ref('trips') }} AS trips
    INNER JOIN told
        ON told.day = trips.day AND trips.known_on <= told.known_on
        AND (trips.superseded_on IS NULL OR trips.superseded_on > told.known_on)
    GROUP BY trips.location_id, trips.day
),

picked AS (
    SELECT tasks.location_id, tasks.day, sum(tasks.units) AS units
    FROM {{ ref('tasks') }} AS tasks
    INNER JOIN told
        ON told.day = tasks.day AND tasks.known_on <= told.known_on
        AND (tasks.superseded_on IS NULL OR tasks.superseded_on > told.known_on)
    WHERE tasks.task = 'pick'
    GROUP BY tasks.location_id, tasks.day
)

SELECT
    opened.location_id,
    told.day,
    CAST(extract('isodow' FROM told.day) AS BIGINT) AS weekday,
    told.known_on,
    CAST(coalesce(driven.trips, 0) AS BIGINT) AS trips,
    {%- for name in ('stops', 'volume_l', 'distance_km', 'hours', 'most_stops', 'most_volume_l',
                     'own_trips', 'own_km', 'own_cost', 'contract_trips', 'contract_km',
                     'contract_cost', 'spot_trips', 'spot_km', 'spot_cost') %}
    CAST(coalesce(driven.{{ name }}, 0) AS DOUBLE PRECISION) AS {{ name }},
    {%- endfor %}
    CAST(picked.units AS DOUBLE PRECISION) AS units
FROM opened
INNER JOIN told ON told.day >= opened.first_day
LEFT JOIN driven ON driven.location_id = opened.location_id AND driven.day = told.day
LEFT JOIN picked ON picked.location_id = opened.location_id AND picked.day = told.day
