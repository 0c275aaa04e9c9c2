-- What then happened: the units of every series and week that is known in full, with true zeros.
-- In a depot a week is known when its late orders are in. A SKU is judged by what was wanted of it: its units
-- over the share of the week with stock, `shelf_share`; a depot's day by what was sold.
SELECT
    grain,
    series,
    week AS target_week,
    CASE WHEN grain IN ('sku_location', 'location_day') THEN settled_on ELSE known_on END AS known_on,
    CASE grain WHEN 'sku_location' THEN settled_wanted WHEN 'location_day' THEN settled ELSE units END
        AS actual,
    CASE WHEN grain = 'sku_location' THEN 1 - short_days / 7.0 ELSE 1 END AS shelf_share
FROM features.demand_history
WHERE CASE grain
        WHEN 'sku_location' THEN settled_on IS NOT NULL AND settled_wanted IS NOT NULL
        WHEN 'location_day' THEN settled_on IS NOT NULL
        ELSE true
    END
