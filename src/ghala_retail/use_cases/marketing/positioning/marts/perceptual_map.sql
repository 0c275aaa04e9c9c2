-- Where segments, categories, brands and price tiers lie on the two axes of the correspondence
-- analysis, per version and day: what lies on one side of the origin goes together more than usual.
SELECT DISTINCT
    version, role, as_of, 'segment' AS kind, segment AS point, segment_axis_1 AS axis_1,
    segment_axis_2 AS axis_2, inertia, stability
FROM {{ source('platform', 'marketing__positioning_predictions') }}
UNION ALL
SELECT DISTINCT
    version, role, as_of, kind, item AS point, axis_1, axis_2, inertia, stability
FROM {{ source('platform', 'marketing__positioning_predictions') }}
WHERE kind <> 'offer'
