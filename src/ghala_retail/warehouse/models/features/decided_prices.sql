{{ config(materialized='view') }}

-- The price that finance/pricing decided to change to, for the four weeks after the one in which it
-- was said: one row per SKU, zone, week and day on which it was scored. The next scoring replaces the
-- whole list. Without `decisions_planned`, and where pricing does not run, there are none.
{% set pricing = decisions_of('finance/pricing') -%}
{% if pricing -%}
WITH spoken AS (
    SELECT as_of, lead(as_of) OVER (ORDER BY as_of) AS superseded_on
    FROM (SELECT DISTINCT as_of FROM {{ pricing }} WHERE role = 'champion') AS days
),

places AS (SELECT DISTINCT source, zone FROM {{ ref('locations') }} WHERE zone IS NOT NULL)

SELECT
    places.source,
    said.sku,
    places.zone,
    CAST(CAST(date_trunc('week', said.as_of) AS DATE) + 7 * steps.week AS DATE) AS week,
    said.as_of AS known_on,
    spoken.superseded_on,
    max(said.decision) AS list_price
FROM {{ pricing }} AS said
INNER JOIN spoken ON spoken.as_of = said.as_of
INNER JOIN places ON said.zone IN (places.zone, 'all')
CROSS JOIN (VALUES (1), (2), (3), (4)) AS steps (week)
WHERE said.role = 'champion' AND said.action = 'change'
GROUP BY places.source, said.sku, places.zone, said.as_of, spoken.superseded_on, steps.week
{%- else -%}
SELECT
    CAST(NULL AS VARCHAR) AS source,
    CAST(NULL AS VARCHAR) AS sku,
    CAST(NULL AS VARCHAR) AS zone,
    CAST(NULL AS DATE) AS week,
    CAST(NULL AS DATE) AS known_on,
    CAST(NULL AS DATE) AS superseded_on,
    CAST(NULL AS DOUBLE PRECISION) AS list_price
WHERE false
{%- endif %}
