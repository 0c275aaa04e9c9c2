-- What was then wanted of each SKU in a depot in the week from `as_of` on, once late orders are in.
SELECT sku, location_id, week AS as_of, settled_on AS known_on, settled_wanted AS actual
FROM features.demand_history
WHERE grain = 'sku_location' AND settled_on IS NOT NULL AND settled_wanted IS NOT NULL
