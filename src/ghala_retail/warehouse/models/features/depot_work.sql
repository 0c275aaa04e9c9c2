-- One row per location, task, day and shift since its first wave of work: the hours of work that
-- came up, as the first delivery after the day told it, with true zeros.
--
-- Picking, packing and sorting come up as orders do: the hours that the day's waves took, in
-- proportion to the orders placed during the shift. Transport comes up while trucks are out.
-- Shifts are four hours of the company's clock; what is before the first or after the last is
-- theirs.
{% set edges = "(VALUES ('early', 6, 10), ('midday', 10, 14), ('afternoon', 14, 18),"
               " ('evening', 18, 22)) AS edges (shift, begins, ends)" %}
WITH told AS (
    SELECT day, min(known_on) AS known_on FROM {{ ref('tasks') }} GROUP BY day
),

opened AS (
    SELECT location_id, min(day) AS first_day FROM {{ ref('tasks') }} GROUP BY location_id
),

waves AS (
    SELECT
        tasks.location_id, tasks.day, tasks.task,
        sum(extract(epoch FROM tasks.ended_at - tasks.started_at)) / 3600 AS hours
    FROM {{ ref('tasks') }} AS tasks
    INNER JOIN told
        ON told.day = tasks.day AND tasks.known_on <= told.known_on
        AND (tasks.superseded_on IS NULL OR tasks.superseded_on > told.known_on)
    GROUP BY tasks.location_id, tasks.day, tasks.task
),

placed AS (
    SELECT
        orders.location_id, orders.ordered_on AS day,
        CASE
            WHEN extract('hour' FROM {{ local_time('orders.ordered_at') }}) < 10 THEN 'early'
            WHEN extract('hour' FROM {{ local_time('orders.ordered_at') }}) < 14 THEN 'midday'
            WHEN extract('hour' FROM {{ local_time('orders.ordered_at') }}) < 18 THEN 'afternoon'
            ELSE 'evening'
        END AS shift,
        count(*) AS orders
    FROM {{ ref('orders') }} AS orders
    INNER JOIN told
        ON told.day = orders.ordered_on AND orders.known_on <= told.known_on
        AND (orders.superseded_on IS NULL OR orders.superseded_on > told.known_on)
    GROUP BY 1, 2, 3
),

shares AS (
    SELECT
        location_id, day, shift,
        CAST(orders AS DOUBLE PRECISION) / sum(orders) OVER (PARTITION BY location_id, day) AS share
    FROM placed
),

away AS (
    SELECT
        trips.location_id, trips.day, edges.shift,
        sum(greatest(0, extract(epoch FROM
            least({{ local_time('trips.returned_at') }}, CASE WHEN edges.ends = 22
                THEN {{ local_time('trips.returned_at') }}
                ELSE trips.day + edges.ends * INTERVAL '1 hour' END)
            - greatest({{ local_time('trips.departed_at') }}, CASE WHEN edges.begins = 6
                THEN {{ local_time('trips.departed_at') }}
                ELSE trips.day + edges.begins * INTERVAL '1 hour' END)
        ))) / 3600 AS hours
    FROM {{ ref('trips') }} AS trips
    INNER JOIN told
        ON told.day = trips.day AND trips.known_on <= told.known_on
        AND (trips.superseded_on IS NULL OR trips.superseded_on > told.known_on)
    CROSS JOIN {{ edges }}
    GROUP BY trips.location_id, trips.day, edges.shift
),

crews AS (
    SELECT crew.task, edges.shift
    FROM (VALUES ('pick'), ('pack'), ('sort'), ('transport')) AS crew (task)
    CROSS JOIN {{ edges }}
)

SELECT
    opened.location_id,
    crews.task,
    crews.shift,
    told.day,
    CAST(extract('isodow' FROM told.day) AS BIGINT) AS weekday,
    told.known_on,
    CAST(
        CASE
            WHEN crews.task = 'transport' THEN coalesce(away.hours, 0)
            ELSE coalesce(waves.hours * shares.share, 0)
        END AS DOUBLE PRECISION
    ) AS hours
FROM opened
INNER JOIN told ON told.day >= opened.first_day
CROSS JOIN crews
LEFT JOIN waves
    ON waves.location_id = opened.location_id AND waves.day = told.day AND waves.task = crews.task
LEFT JOIN shares
    ON shares.location_id = opened.location_id AND shares.day = told.day
    AND shares.shift = crews.shift
LEFT JOIN away
    ON away.location_id = opened.location_id AND away.day = told.day AND away.shift = crews.shift
