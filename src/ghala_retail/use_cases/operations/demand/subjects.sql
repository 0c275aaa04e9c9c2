-- What is forecast: every series that sold in half of the weeks known at `as_of`, and in a depot every
-- one that sold in the last half year and is not delisted, for the week of that day and the three
-- after it, with the plan and the prices that had arrived by then, the calendar and last year's season.
WITH days AS (
    SELECT as_of, CAST(date_trunc('week', as_of) AS DATE) AS this_week FROM origins
),

series AS (
    SELECT
        days.as_of, days.this_week, history.grain, history.series, history.category, history.sku,
        history.location_id,
        CASE WHEN history.grain = 'location_day' THEN CAST(right(history.series, 1) AS INTEGER) ELSE 0 END
            AS weekday,
        CASE WHEN history.grain = 'location_day' THEN 1 ELSE 7 END AS days,
        history.grain IN ('sku_location', 'location_day') AS is_depot
    FROM days
    INNER JOIN features.demand_history AS history
        ON history.week = days.this_week - 7 AND history.known_on <= days.as_of
    WHERE CASE
            WHEN history.grain IN ('sku_location', 'location_day')
                THEN history.last_sold_week >= days.this_week - 182
            ELSE history.sold_weeks >= 6 AND history.sold_weeks >= 0.5 * history.known_weeks
        END
),

delisted AS (
    SELECT days.as_of, products.sku, min(products.delisted_on) AS delisted_on
    FROM days
    INNER JOIN core.product_history AS products
        ON products.known_on <= days.as_of
        AND (products.superseded_on IS NULL OR products.superseded_on > days.as_of)
        AND (products.valid_to IS NULL OR products.valid_to > days.as_of)
    WHERE products.delisted_on IS NOT NULL
    GROUP BY days.as_of, products.sku
),

targets AS (
    SELECT series.*, steps.horizon, CAST(this_week + 7 * (horizon - 1) AS DATE) AS target_week
    FROM series
    CROSS JOIN (VALUES (1), (2), (3), (4)) AS steps (horizon)
    LEFT JOIN delisted
        ON series.is_depot AND delisted.as_of = series.as_of AND delisted.sku = series.sku
    WHERE delisted.sku IS NULL OR delisted.delisted_on > series.this_week + 7 * (steps.horizon - 1)
),

priced AS (
    SELECT
        days.as_of, prices.week AS target_week, prices.sku, prices.zone,
        coalesce(max(prices.list_price) FILTER (WHERE prices.is_decided), max(prices.list_price))
            AS list_price
    FROM days
    INNER JOIN features.demand_prices AS prices
        ON prices.week BETWEEN days.this_week AND days.this_week + 21
        AND prices.known_on <= days.as_of
        AND (prices.superseded_on IS NULL OR prices.superseded_on > days.as_of)
    GROUP BY days.as_of, prices.week, prices.sku, prices.zone
),

plan AS (
    SELECT days.as_of, arrived.*
    FROM days
    INNER JOIN features.demand_plan AS arrived
        ON arrived.known_on <= days.as_of
        AND (arrived.superseded_on IS NULL OR arrived.superseded_on > days.as_of)
        AND arrived.target_week BETWEEN days.this_week - 7 AND days.this_week + 21
),

-- What categories sold in a week, and all of them, and each depot over its days; a week in which it was
-- less than 0.7 of the quarter before was upset by something (a strike, an election) and is no measure.
weekly AS (
    SELECT 'category' AS part, category AS name, week, known_on, units
    FROM features.demand_categories
    WHERE grain = 'sku_location'
    UNION ALL
    SELECT 'all', 'all', week, max(known_on), sum(units)
    FROM features.demand_categories
    WHERE grain = 'sku_location'
    GROUP BY week
    UNION ALL
    SELECT 'location', location_id, week, max(known_on), sum(units)
    FROM features.demand_history
    WHERE grain = 'location_day'
    GROUP BY location_id, week
),

totals AS (
    SELECT *, coalesce(units < 0.7 * avg(units) OVER quarter, false) AS is_upset
    FROM weekly
    WINDOW quarter AS (PARTITION BY part, name ORDER BY week ROWS BETWEEN 13 PRECEDING AND 1 PRECEDING)
),

a_year_ago AS (
    SELECT days.as_of, days.this_week, totals.part, totals.name, avg(totals.units) AS units
    FROM days
    INNER JOIN totals ON totals.week BETWEEN days.this_week - 420 AND days.this_week - 371
    WHERE NOT totals.is_upset
    GROUP BY days.as_of, days.this_week, totals.part, totals.name
),

-- By how much the same week stood above the eight before the forecast's day, a year ago.
rises AS (
    SELECT
        run.as_of, run.part, run.name, CAST(totals.week + 364 AS DATE) AS target_week,
        totals.units / nullif(run.units, 0) AS rise
    FROM a_year_ago AS run
    INNER JOIN totals
        ON totals.part = run.part AND totals.name = run.name AND NOT totals.is_upset
        AND totals.week BETWEEN run.this_week - 364 AND run.this_week - 343
),

-- By how much upset weeks lower what a depot remembers.
upsets AS (
    SELECT
        days.as_of,
        totals.name AS location_id,
        avg(totals.units) FILTER (WHERE totals.week >= days.this_week - 56 AND NOT totals.is_upset)
            / nullif(avg(totals.units) FILTER (WHERE totals.week >= days.this_week - 56), 0) AS usual_8,
        avg(totals.units) FILTER (WHERE totals.week >= days.this_week - 91 AND NOT totals.is_upset)
            / nullif(avg(totals.units) FILTER (WHERE totals.week >= days.this_week - 91), 0) AS usual_13,
        avg(totals.units) FILTER (WHERE NOT totals.is_upset) / nullif(avg(totals.units), 0) AS usual_26
    FROM days
    INNER JOIN totals
        ON totals.part = 'location' AND totals.known_on <= days.as_of
        AND totals.week BETWEEN days.this_week - 182 AND days.this_week - 7
    GROUP BY days.as_of, totals.name
),

promoted AS (
    SELECT
        targets.*,
        coalesce(plan.mailer_share, 0) AS mailer_share,
        coalesce(plan.front_share, 0) AS front_share,
        coalesce(plan.back_share, 0) AS back_share,
        coalesce(plan.feature_share, 0) AS feature_share,
        coalesce(plan.display_share, 0) AS display_share,
        coalesce(plan.discount_share, 0) AS discount_share,
        coalesce(before.mailer_share, 0) AS mailer_share_before,
        coalesce(plan.lift_class, 0) AS lift_class
    FROM targets
    LEFT JOIN plan
        ON plan.as_of = targets.as_of AND plan.grain = targets.grain
        AND plan.series = targets.series AND plan.target_week = targets.target_week
    LEFT JOIN plan AS before
        ON before.as_of = targets.as_of AND before.grain = targets.grain
        AND before.series = targets.series AND before.target_week = targets.target_week - 7
)

SELECT
    promoted.as_of,
    promoted.grain,
    promoted.series,
    promoted.category,
    promoted.sku,
    promoted.location_id,
    CASE WHEN promoted.is_depot THEN locations.zone END AS zone,
    promoted.horizon,
    promoted.target_week,
    promoted.mailer_share,
    promoted.front_share,
    promoted.back_share,
    promoted.feature_share,
    promoted.display_share,
    promoted.discount_share,
    promoted.mailer_share_before,
    promoted.lift_class,
    coalesce(lifts.lift, 1) AS lift,
    ahead.month_start,
    ahead.run_up,
    ahead.month_start - today.usual_month_start AS month_start_excess,
    ahead.run_up - today.usual_run_up AS run_up_excess,
    CASE WHEN promoted.is_depot THEN ahead.paid END AS paid,
    CASE WHEN promoted.is_depot THEN ahead.before_school END AS before_school,
    CASE WHEN promoted.is_depot THEN ahead.ramadan END AS ramadan,
    CASE WHEN promoted.is_depot
        THEN mod(CAST((promoted.target_week - DATE '2024-01-01') / 7 AS INTEGER), 2) END AS fortnight,
    CASE WHEN promoted.is_depot AND promoted.sku IS NOT NULL THEN season.rise / nullif(everything.rise, 0) END AS season,
    CASE WHEN promoted.is_depot THEN place.rise END AS season_here,
    CASE WHEN promoted.is_depot THEN ahead.paid / promoted.days
        - CASE WHEN place.rise IS NULL THEN 11 * 12 / 365.25 ELSE before.paid / 7 END END AS paid_more,
    CASE WHEN promoted.is_depot THEN ahead.ramadan / promoted.days
        - CASE WHEN place.rise IS NULL THEN 0 ELSE before.ramadan / 7 END END AS ramadan_more,
    CASE WHEN promoted.is_depot THEN coalesce(upsets.usual_8, 1) END AS usual_8,
    CASE WHEN promoted.is_depot THEN coalesce(upsets.usual_13, 1) END AS usual_13,
    CASE WHEN promoted.is_depot THEN coalesce(upsets.usual_26, 1) END AS usual_26,
    CASE WHEN promoted.is_depot THEN promoted.weekday END AS weekday,
    priced.list_price
FROM promoted
INNER JOIN features.demand_calendar AS ahead
    ON ahead.week = promoted.target_week AND ahead.weekday = promoted.weekday
INNER JOIN features.demand_calendar AS today
    ON today.week = promoted.this_week AND today.weekday = promoted.weekday
LEFT JOIN core.locations ON locations.location_id = promoted.location_id
LEFT JOIN priced
    ON promoted.is_depot AND priced.as_of = promoted.as_of
    AND priced.target_week = promoted.target_week AND priced.sku = promoted.sku
    AND priced.zone = locations.zone
LEFT JOIN features.demand_lifts AS lifts
    ON lifts.week = promoted.this_week - 7 AND lifts.known_on <= promoted.as_of
    AND lifts.grain = promoted.grain AND lifts.category = promoted.category
    AND lifts.lift_class = promoted.lift_class
LEFT JOIN rises AS season
    ON season.as_of = promoted.as_of AND season.target_week = promoted.target_week
    AND season.part = 'category' AND season.name = promoted.category
LEFT JOIN rises AS everything
    ON everything.as_of = promoted.as_of AND everything.target_week = promoted.target_week
    AND everything.part = 'all'
LEFT JOIN rises AS place
    ON place.as_of = promoted.as_of AND place.target_week = promoted.target_week
    AND place.part = 'location' AND place.name = promoted.location_id
LEFT JOIN features.demand_calendar AS before
    ON before.week = promoted.target_week - 364 AND before.weekday = 0
LEFT JOIN upsets ON upsets.as_of = promoted.as_of AND upsets.location_id = promoted.location_id
