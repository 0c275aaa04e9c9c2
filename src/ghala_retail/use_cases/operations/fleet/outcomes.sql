-- What then happened: the trucks that went out of every depot on every day that was told.
SELECT location_id, day, known_on, trips AS actual
FROM features.depot_trips
