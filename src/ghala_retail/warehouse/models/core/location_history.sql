-- One row per store or depot, day from which it holds and state in which it was known.
{{ as_valid('locations', ['location_id'], {
    'location_id': 'varchar', 'location_kind': 'varchar', 'name': 'varchar', 'county': 'varchar',
    'zone': 'varchar', 'latitude': 'double precision', 'longitude': 'double precision',
    'opened_on': 'date', 'own_trucks': 'integer', 'docks': 'integer',
}) }}
