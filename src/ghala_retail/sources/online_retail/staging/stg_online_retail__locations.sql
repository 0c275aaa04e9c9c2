-- One row: everything is sold by one website.
SELECT 'website' AS location_id, 'website' AS location_kind
