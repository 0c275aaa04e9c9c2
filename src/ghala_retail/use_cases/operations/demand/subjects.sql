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

seasons AS (
    SELECT grain, part, name, week, around, before
    FROM features.demand_seasons
    WHERE grain = 'sku_location' AND part = 'category' OR grain = 'location_day' AND part = 'location'
    UNION ALL
    SELECT grain, 'all', 'all', week, sum(around), sum(before)
    FROM features.demand_seasons
    WHERE part = 'category' AND grain IN ('sku_location', 'location_day')
    GROUP BY grain, week
),

-- By how much a week rose above the eight weeks before a forecast, a year ago: categories, depots, all.
rises AS (
    SELECT
        days.as_of, ahead.grain, ahead.part, ahead.name,
        CAST(ahead.week + 364 AS DATE) AS target_week,
        ahead.around / nullif(run.before, 0) AS rise
    FROM days
    INNER JOIN seasons AS run ON run.week = days.this_week - 364
    INNER JOIN seasons AS ahead
        ON ahead.grain = run.grain AND ahead.part = run.part AND ahead.name = run.name
        AND ahead.week BETWEEN days.this_week - 364 AND days.this_week - 343
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
    season.rise / nullif(everything.rise, 0) AS season,  -- beside all: thin series come to count in time
    CASE WHEN promoted.is_depot THEN coalesce(place.rise, shipped.rise) END AS season_here,
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
    AND season.grain = promoted.grain AND season.part = 'category' AND season.name = promoted.category
LEFT JOIN rises AS everything
    ON everything.as_of = promoted.as_of AND everything.target_week = promoted.target_week
    AND everything.grain = promoted.grain AND everything.part = 'all'
LEFT JOIN rises AS place
    ON place.as_of = promoted.as_of AND place.target_week = promoted.target_week
    AND place.grain = 'location_day' AND place.part = 'location' AND place.name = promoted.location_id
LEFT JOIN rises AS shipped
    ON shipped.as_of = promoted.as_of AND shipped.target_week = promoted.target_week
    AND shipped.grain = 'location_day' AND shipped.part = 'all'
