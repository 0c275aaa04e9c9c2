{{ from_sources('locations', ['location_id', 'location_kind']) }}
