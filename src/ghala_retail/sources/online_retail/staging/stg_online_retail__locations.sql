-- One row: everything is sold by one website.
SELECT
    'website' AS location_id,
    'website' AS location_kind,
    DATE '1900-01-01' AS known_on,
    0 AS batch
