-- By how much a promotion class multiplies a category's base, from all weeks up to `week`,
-- pulled toward the lift of the class over all categories (prior weight: 30 units of base).
WITH weekly AS (
    SELECT grain, category, lift_class, week, known_on, sum(wanted) AS units, sum(base) AS base
    FROM {{ ref('demand_weeks') }}
    WHERE base IS NOT NULL AND wanted IS NOT NULL AND sold_weeks >= 6
    GROUP BY grain, category, lift_class, week, known_on
),

-- Every category and class, sold or promoted by then or not: what a week's table holds must not
-- depend on what came later.
keys AS (
    SELECT grains.grain, categories.category, mailers.mailer + displays.display AS lift_class
    FROM (
        SELECT DISTINCT category FROM {{ ref('products') }} WHERE category IS NOT NULL
        UNION ALL
        SELECT 'all'
    ) AS categories
    INNER JOIN (SELECT DISTINCT grain FROM {{ ref('demand_grains') }}) AS grains
        ON (grains.grain = 'location_day') = (categories.category = 'all')
    CROSS JOIN (VALUES (0), (1), (2), (3), (4)) AS mailers (mailer)
    CROSS JOIN (VALUES (0){{ ', (10), (20)' if var('displays_planned') }}) AS displays (display)
),

weeks AS (SELECT DISTINCT week, known_on FROM {{ ref('demand_weeks') }}),

running AS (
    SELECT
        keys.grain,
        keys.category,
        keys.lift_class,
        weeks.week,
        weeks.known_on,
        sum(coalesce(weekly.units, 0)) OVER upto AS units,
        sum(coalesce(weekly.base, 0)) OVER upto AS base
    FROM keys
    CROSS JOIN weeks
    LEFT JOIN weekly
        ON weekly.grain = keys.grain AND weekly.category = keys.category
        AND weekly.lift_class = keys.lift_class AND weekly.week = weeks.week
    WINDOW upto AS (
        PARTITION BY keys.grain, keys.category, keys.lift_class ORDER BY weeks.week
    )
),

pooled AS (
    SELECT grain, lift_class, week, (sum(units) + 30) / (sum(base) + 30) AS lift
    FROM running
    GROUP BY grain, lift_class, week
)

SELECT
    running.grain,
    running.category,
    running.lift_class,
    running.week,
    running.known_on,
    (running.units + 30 * pooled.lift) / (running.base + 30) AS lift
FROM running
INNER JOIN pooled USING (grain, lift_class, week)
