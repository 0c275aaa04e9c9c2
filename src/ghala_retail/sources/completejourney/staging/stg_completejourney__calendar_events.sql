-- The public days that move grocery sales in the stores' country, known years ahead.
SELECT
    event,
    CAST(day AS DATE) AS day,
    'public' AS kind,
    true AS is_confirmed,
    DATE '1900-01-01' AS known_on,
    0 AS batch
FROM (
    VALUES
    ('New Year', '2017-01-01'), ('Easter', '2017-04-16'), ('Memorial Day', '2017-05-29'),
    ('Independence Day', '2017-07-04'), ('Labor Day', '2017-09-04'),
    ('Thanksgiving', '2017-11-23'), ('Christmas', '2017-12-25'), ('New Year', '2018-01-01')
) AS events (event, day)
