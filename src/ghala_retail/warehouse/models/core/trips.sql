{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'trip_id']) }}

-- One row per truck trip and state in which it was known. Times are UTC; `day` is the company's.
WITH states AS (
    {{ as_known('trips', ['trip_id'], {
        'trip_id': 'varchar', 'location_id': 'varchar', 'vehicle_id': 'varchar', 'hire': 'varchar',
        'departed_at': 'timestamp', 'returned_at': 'timestamp', 'stops': 'integer',
        'volume_l': 'decimal(12,1)', 'distance_km': 'decimal(10,1)', 'cost': 'decimal(12,2)',
        'currency': 'varchar',
    }) }}
)

SELECT *, {{ local_day('departed_at') }} AS day
FROM states
