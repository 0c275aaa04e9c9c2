-- What is forecast: every series that sold in half of the weeks known at `as_of`, for the week of
-- that day and the three after it, with the plan that had arrived by then and the calendar.
WITH days AS (
    SELECT as_of, CAST(date_trunc('week', as_of) AS DATE) AS this_week FROM origins
),

series AS (
    SELECT
        days.as_of, days.this_week, history.grain, history.series, history.category,
        history.location_id
    FROM days
    INNER JOIN features.demand_history AS history
        ON history.week = days.this_week - 7 AND history.known_on <= days.as_of
    WHERE history.sold_weeks >= 6 AND history.sold_weeks >= 0.5 * history.known_weeks
),

targets AS (
    SELECT *, CAST(this_week + 7 * (horizon - 1) AS DATE) AS target_week
    FROM series
    CROSS JOIN (VALUES (1), (2), (3), (4)) AS steps (horizon)
),

plan AS (
    SELECT days.as_of, arrived.*
    FROM days
    INNER JOIN features.demand_plan AS arrived
        ON arrived.known_on <= days.as_of
        AND (arrived.superseded_on IS NULL OR arrived.superseded_on > days.as_of)
        AND arrived.target_week BETWEEN days.this_week - 7 AND days.this_week + 21
),

promoted AS (
    SELECT
        targets.*,
        coalesce(plan.mailer_share, 0) AS mailer_share,
        coalesce(plan.front_share, 0) AS front_share,
        coalesce(plan.back_share, 0) AS back_share,
        coalesce(plan.feature_share, 0) AS feature_share,
        coalesce(plan.display_share, 0) AS display_share,
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
    promoted.location_id,
    promoted.horizon,
    promoted.target_week,
    promoted.mailer_share,
    promoted.front_share,
    promoted.back_share,
    promoted.feature_share,
    promoted.display_share,
    promoted.mailer_share_before,
    promoted.lift_class,
    coalesce(lifts.lift, 1) AS lift,
    ahead.month_start,
    ahead.run_up,
    ahead.month_start - today.usual_month_start AS month_start_excess,
    ahead.run_up - today.usual_run_up AS run_up_excess
FROM promoted
INNER JOIN features.demand_calendar AS ahead ON ahead.week = promoted.target_week
INNER JOIN features.demand_calendar AS today ON today.week = promoted.this_week
LEFT JOIN features.demand_lifts AS lifts
    ON lifts.week = promoted.this_week - 7 AND lifts.known_on <= promoted.as_of
    AND lifts.grain = promoted.grain AND lifts.category = promoted.category
    AND lifts.lift_class = promoted.lift_class
