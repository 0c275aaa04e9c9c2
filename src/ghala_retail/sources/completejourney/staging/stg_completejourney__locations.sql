-- One row per store that sold.
SELECT
    CAST(store_id AS VARCHAR) AS location_id,
    'store' AS location_kind,
    min(_arrived_on) AS known_on,
    min(_batch) AS batch
FROM {{ source('raw', 'completejourney__transactions') }}
GROUP BY store_id
