-- Sold units per series and week, at both grains, and the day each was known in full.
WITH lines AS (
    SELECT sales.*, products.category
    FROM {{ ref('sku_location_week') }} AS sales
    INNER JOIN {{ ref('products') }} AS products USING (sku)
    WHERE products.category IS NOT NULL
)

SELECT
    'sku_chain' AS grain,
    sku AS series,
    category,
    CAST(NULL AS VARCHAR) AS location_id,
    week,
    CAST(sum(units) AS DOUBLE PRECISION) AS units,
    CAST(sum(revenue) AS DOUBLE PRECISION) AS revenue,
    max(known_on) AS known_on
FROM lines
GROUP BY sku, category, week
UNION ALL
SELECT
    'category_store',
    category || '|' || location_id,
    category,
    location_id,
    week,
    CAST(sum(units) AS DOUBLE PRECISION),
    CAST(sum(revenue) AS DOUBLE PRECISION),
    max(known_on)
FROM lines
GROUP BY category, location_id, week
