-- What then happened in each category, location and week: the margin that the events which began in
-- the week added while they ran, KES without VAT, on the shelf of their subcategories; 0 where none
-- ran. It is measured against the locations without the event. What `fit` learns from stands beside
-- it, and what the events of eleven weeks before took from the weeks after them.
WITH measured AS (
    SELECT
        *,
        CASE WHEN own_control_units > 0 THEN own_control_units / own_control_due ELSE 1 END
            AS own_ratio,
        CASE WHEN rest_control_units > 0 THEN rest_control_units / rest_control_due ELSE 1 END
            AS rest_ratio
    FROM features.event_effects
    WHERE own_due > 0
),

valued AS (
    SELECT
        *,
        own_due * own_ratio AS own_expected,
        rest_due * rest_ratio AS rest_expected,
        own_units / (own_due * own_ratio) AS lift,
        CASE WHEN rest_due > 0 THEN rest_units / (rest_due * rest_ratio) ELSE 1 END AS rest_lift
    FROM measured
),

effects AS (
    SELECT
        category, location_id, week,
        max(known_on) AS known_on,
        max(event) AS event,
        sum(depth * own_expected) / sum(own_expected) AS depth,
        sum(featured * own_expected) / sum(own_expected) AS featured,
        sum(own_usual) AS own_usual,
        sum(own_units) AS own_units,
        sum(own_expected) AS own_expected,
        sum(own_base * own_ratio) AS own_base,
        sum(own_earned) AS own_earned,
        sum(own_revenue * own_ratio) AS own_revenue,
        sum(own_margin * own_ratio) AS own_margin,
        max(own_control_units) AS own_controls,
        sum(rest_units) AS rest_units,
        sum(rest_expected) AS rest_expected,
        sum(rest_base * rest_ratio) AS rest_base,
        max(rest_control_units) AS rest_controls,
        sum(
            own_ratio * (own_earned / own_due / own_ratio * own_base - own_margin)
            + (rest_lift - 1) * rest_margin * rest_ratio
        ) AS actual
    FROM valued
    GROUP BY category, location_id, week
),

controls AS (
    SELECT promotion_id, category, sum(units) / nullif(sum(usual), 0) AS ratio
    FROM features.event_aftermath
    WHERE NOT ran_here
    GROUP BY promotion_id, category
),

aftermath AS (
    SELECT
        after.category, after.location_id,
        CAST(date_trunc('week', after.known_on + 6) AS DATE) - 21 AS week,
        sum(after.units) AS after_units,
        sum(after.usual * controls.ratio) AS after_expected,
        sum(valued.own_units - valued.own_expected) AS after_lift
    FROM features.event_aftermath AS after
    INNER JOIN controls
        ON controls.promotion_id = after.promotion_id AND controls.category = after.category
    INNER JOIN valued
        ON valued.promotion_id = after.promotion_id AND valued.category = after.category
        AND valued.location_id = after.location_id
    WHERE after.ran_here AND controls.ratio > 0
    GROUP BY
        after.category, after.location_id,
        CAST(date_trunc('week', after.known_on + 6) AS DATE) - 21
)

SELECT
    shelves.category,
    shelves.location_id,
    shelves.monday AS target_week,
    greatest(CAST(shelves.monday + 21 AS DATE), effects.known_on) AS known_on,
    coalesce(effects.actual, 0) AS actual,
    effects.event,
    effects.depth,
    effects.featured,
    effects.own_usual,
    effects.own_units,
    effects.own_expected,
    effects.own_base,
    effects.own_earned,
    effects.own_revenue,
    effects.own_margin,
    effects.own_controls,
    effects.rest_units,
    effects.rest_expected,
    effects.rest_base,
    effects.rest_controls,
    aftermath.after_units,
    aftermath.after_expected,
    aftermath.after_lift
FROM features.event_shelves AS shelves
LEFT JOIN effects
    ON effects.category = shelves.category AND effects.location_id = shelves.location_id
    AND effects.week = shelves.monday
LEFT JOIN aftermath
    ON aftermath.category = shelves.category AND aftermath.location_id = shelves.location_id
    AND aftermath.week = shelves.monday
WHERE shelves.monday + 21 <= (SELECT max(known_on) FROM core.sku_location_week)
