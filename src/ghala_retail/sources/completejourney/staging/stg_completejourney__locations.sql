-- One row per store that sold or was part of a promotion.
SELECT DISTINCT CAST(store_id AS VARCHAR) AS location_id, 'store' AS location_kind
FROM {{ source('raw', 'completejourney__transactions') }}
