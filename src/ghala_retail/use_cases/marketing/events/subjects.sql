-- What is planned: each category in each location, for the fourth to seventh week from `as_of`, with
-- what an event would put on offer there, the room that the location has and what its trucks charge for
-- more, as known on the Monday.
-- `occasions` are the events that the company ran about a year before the week, else of late.
WITH days AS (
    SELECT as_of, CAST(date_trunc('week', as_of) AS DATE) AS monday FROM origins
),

targets AS (
    SELECT days.as_of, days.monday, CAST(days.monday + 7 * weeks.ahead AS DATE) AS target_week
    FROM days
    CROSS JOIN (VALUES (3), (4), (5), (6)) AS weeks (ahead)
),

promotions AS (
    SELECT DISTINCT
        plans.event, plans.location_id, plans.starts_on, plans.discount_share, plans.known_on,
        plans.superseded_on, products.category
    FROM core.promotion_plans AS plans
    INNER JOIN core.products AS products
        ON products.source = plans.source AND products.sku = plans.sku
    WHERE NOT plans.is_cancelled
),

plans AS (
    SELECT targets.as_of, targets.target_week, promotions.*
    FROM targets
    INNER JOIN promotions
        ON promotions.known_on <= targets.as_of
        AND (promotions.superseded_on IS NULL OR promotions.superseded_on > targets.as_of)
        AND promotions.starts_on BETWEEN targets.target_week - 371 AND targets.target_week - 21
),

named AS (
    SELECT
        as_of, target_week, event,
        max(CASE WHEN starts_on <= target_week - 351 THEN 1 ELSE 0 END) AS is_of_last_year,
        max(CASE WHEN starts_on > target_week - 77 THEN 1 ELSE 0 END) AS is_of_late
    FROM plans
    GROUP BY as_of, target_week, event
),

occasions AS (
    SELECT
        as_of, target_week,
        coalesce(
            string_agg(event, ',' ORDER BY event) FILTER (WHERE is_of_last_year = 1),
            string_agg(event, ',' ORDER BY event) FILTER (WHERE is_of_late = 1)
        ) AS occasions
    FROM named
    GROUP BY as_of, target_week
),

last_year AS (
    SELECT
        as_of, target_week, category, location_id,
        max(CAST(discount_share AS DOUBLE PRECISION)) AS depth
    FROM plans
    WHERE starts_on BETWEEN target_week - 364 AND target_week - 358
    GROUP BY as_of, target_week, category, location_id
)

SELECT
    targets.as_of,
    shelves.category,
    shelves.location_id,
    targets.target_week,
    shelves.skus,
    shelves.units,
    shelves.revenue,
    shelves.margin,
    shelves.litres,
    shelves.other_margin,
    capacity.load_litres,
    capacity.capacity_litres,
    charges.trucks,
    charges.one_more,
    charges.two_more,
    charges.four_more,
    coalesce(occasions.occasions, '') AS occasions,
    coalesce(last_year.depth, 0) AS last_year
FROM targets
INNER JOIN features.event_shelves AS shelves ON shelves.monday = targets.monday
LEFT JOIN features.event_capacity AS capacity
    ON capacity.monday = targets.monday AND capacity.location_id = shelves.location_id
LEFT JOIN features.load_charges AS charges
    ON charges.monday = targets.monday AND charges.location_id = shelves.location_id
    AND charges.week = targets.target_week
LEFT JOIN occasions
    ON occasions.as_of = targets.as_of AND occasions.target_week = targets.target_week
LEFT JOIN last_year
    ON last_year.as_of = targets.as_of AND last_year.target_week = targets.target_week
    AND last_year.category = shelves.category AND last_year.location_id = shelves.location_id
