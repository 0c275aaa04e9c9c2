-- One row per business date for which the loop ran to its end, with the build it stands on.
WITH facts AS (SELECT * FROM {{ source('platform', 'facts') }}),

runs AS (
    SELECT number, as_of, recorded_at, actor FROM facts WHERE kind = 'run'
),

newest AS (
    SELECT
        runs.number,
        max(facts.number) FILTER (WHERE facts.kind = 'build') AS build,
        max(facts.number) FILTER (WHERE facts.kind = 'publication') AS publication
    FROM runs
    INNER JOIN facts ON facts.as_of = runs.as_of AND facts.number < runs.number
    WHERE facts.kind IN ('build', 'publication')
    GROUP BY runs.number
)

SELECT
    runs.as_of,
    runs.recorded_at AS ended_at,
    runs.actor,
    CAST(builds.body ->> 'models' AS BIGINT) AS models_built,
    CAST(builds.body ->> 'tests_passed' AS BIGINT) AS tests_passed,
    CAST(publications.body ->> 'build' AS BIGINT) AS published_build
FROM runs
LEFT JOIN newest ON newest.number = runs.number
LEFT JOIN facts AS builds ON builds.number = newest.build
LEFT JOIN facts AS publications ON publications.number = newest.publication
