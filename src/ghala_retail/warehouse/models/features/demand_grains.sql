-- At which grains what a location sells is forecast: a depot holds stock and loads trucks, so each
-- SKU in it and each of its weekdays; other places sell what the chain buys, so each SKU over the
-- chain and each category in the place.
WITH places AS (
    SELECT sold.location_id, coalesce(locations.location_kind, 'store') = 'depot' AS is_depot
    FROM (SELECT DISTINCT location_id FROM {{ ref('sku_location_week') }}) AS sold
    LEFT JOIN {{ ref('locations') }} AS locations USING (location_id)
)

SELECT places.location_id, grains.grain
FROM places
INNER JOIN (
    VALUES
        (true, 'sku_location'), (true, 'location_day'),
        (false, 'sku_chain'), (false, 'category_store')
) AS grains (is_depot, grain) USING (is_depot)
