-- What then happened: the hours of work that came up per depot, task and shift of every day told.
SELECT location_id, task, shift, day, known_on, hours AS actual
FROM features.depot_work
