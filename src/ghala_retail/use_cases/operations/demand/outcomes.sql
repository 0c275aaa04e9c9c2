-- What then happened: the units of every series and week that is known in full, with true zeros.
SELECT grain, series, week AS target_week, known_on, units AS actual
FROM features.demand_history
