-- The bank holidays of England, known years ahead.
SELECT
    event,
    CAST(day AS DATE) AS day,
    'public' AS kind,
    true AS is_confirmed,
    DATE '1900-01-01' AS known_on,
    0 AS batch
FROM (
    VALUES
    ('Christmas', '2009-12-25'), ('Boxing Day', '2009-12-28'), ('New Year', '2010-01-01'),
    ('Good Friday', '2010-04-02'), ('Easter Monday', '2010-04-05'),
    ('Early May', '2010-05-03'), ('Spring', '2010-05-31'), ('Summer', '2010-08-30'),
    ('Christmas', '2010-12-27'), ('Boxing Day', '2010-12-28'), ('New Year', '2011-01-03'),
    ('Good Friday', '2011-04-22'), ('Easter Monday', '2011-04-25'),
    ('Royal wedding', '2011-04-29'), ('Early May', '2011-05-02'), ('Spring', '2011-05-30'),
    ('Summer', '2011-08-29'), ('Boxing Day', '2011-12-26'), ('Christmas', '2011-12-27')
) AS events (event, day)
