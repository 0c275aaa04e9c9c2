-- The routes that the champion laid for the drops known on a day, beside the least number of trucks
-- that their litres and stops fit into and what the sweep takes. `routes` is JSON: for each truck its
-- hire and the places in the order of their visits.
SELECT
    location_id,
    day,
    as_of,
    version,
    drops_known,
    size_known,
    least_trucks,
    sweep_trucks,
    routed_trucks,
    routed_km,
    drops_left,
    routes,
    infeasible
FROM {{ source('platform', 'operations__fleet_predictions') }}
WHERE role = 'champion' AND routes IS NOT NULL
