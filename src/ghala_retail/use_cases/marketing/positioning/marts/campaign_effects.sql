{{ config(materialized='table') }}

-- What each campaign earned per customer drawn for it, over those held out by lot, for everyone and per
-- segment of the day it was assigned: margin without VAT while it ran, less the contact. Weighted by
-- the inverse of the chance to be contacted (Hajek), as known three days after its end. A campaign
-- that held out nobody, or contacted nobody, tells nothing and is not here.
{% set said = predictions_of('marketing/segmentation') %}
WITH ended AS (
    SELECT *, CAST(ends_on + 3 AS DATE) AS told_on FROM {{ ref('campaigns') }}
),

costs AS (
    SELECT
        ended.source,
        ended.campaign_id,
        prices.sku,
        CAST(avg(prices.unit_cost) AS DOUBLE PRECISION) AS unit_cost
    FROM ended
    INNER JOIN {{ ref('prices') }} AS prices
        ON prices.source = ended.source AND prices.valid_from <= ended.starts_on
        AND (prices.valid_to IS NULL OR prices.valid_to > ended.starts_on)
        AND prices.known_on <= ended.told_on
        AND (prices.superseded_on IS NULL OR prices.superseded_on > ended.told_on)
    GROUP BY ended.source, ended.campaign_id, prices.sku
),

earned AS (
    SELECT
        ended.source,
        ended.campaign_id,
        lines.customer_id,
        sum(
            CAST(lines.revenue AS DOUBLE PRECISION)
            / (1 + coalesce(CAST(products.vat_rate AS DOUBLE PRECISION), 0))
            - lines.units * costs.unit_cost
        ) AS margin
    FROM ended
    INNER JOIN {{ ref('order_lines') }} AS lines
        ON lines.source = ended.source
        AND lines.ordered_on >= ended.starts_on AND lines.ordered_on <= ended.ends_on
        AND lines.known_on <= ended.told_on
        AND (lines.superseded_on IS NULL OR lines.superseded_on > ended.told_on)
    INNER JOIN costs
        ON costs.source = ended.source AND costs.campaign_id = ended.campaign_id
        AND costs.sku = lines.sku
    LEFT JOIN {{ ref('products') }} AS products
        ON products.source = lines.source AND products.sku = lines.sku
    WHERE NOT lines.is_cancelled
    GROUP BY ended.source, ended.campaign_id, lines.customer_id
),

drawn AS (
    SELECT
        ended.source,
        ended.campaign_id,
        ended.campaign_type AS offer,
        ended.starts_on,
        ended.ends_on,
        ended.told_on,
        exposures.customer_id,
        exposures.assigned_on,
        exposures.is_contacted,
        CASE WHEN exposures.is_contacted THEN 1 / exposures.propensity
            ELSE 1 / (1 - exposures.propensity) END AS weight,
        coalesce(earned.margin, 0)
        - CASE WHEN exposures.is_contacted THEN CAST(ended.contact_cost AS DOUBLE PRECISION) ELSE 0 END
            AS gain
    FROM ended
    INNER JOIN {{ ref('campaign_exposures') }} AS exposures
        ON exposures.source = ended.source AND exposures.campaign_id = ended.campaign_id
        AND exposures.superseded_on IS NULL
    LEFT JOIN earned
        ON earned.source = ended.source AND earned.campaign_id = ended.campaign_id
        AND earned.customer_id = exposures.customer_id
    WHERE exposures.propensity > 0 AND exposures.propensity < 1
        AND ended.told_on <= (SELECT max(known_on) FROM {{ ref('order_lines') }})
),

labelled AS (
    SELECT 'everyone' AS segment, drawn.* FROM drawn
    {%- if said %}
    UNION ALL
    SELECT said.segment, drawn.*
    FROM (
        SELECT drawn.campaign_id, max(labels.as_of) AS labelled_on
        FROM (SELECT DISTINCT campaign_id, assigned_on FROM drawn) AS drawn
        INNER JOIN (SELECT DISTINCT as_of FROM {{ said }} WHERE role = 'champion') AS labels
            ON labels.as_of <= drawn.assigned_on
        GROUP BY drawn.campaign_id
    ) AS days
    INNER JOIN drawn ON drawn.campaign_id = days.campaign_id
    INNER JOIN {{ said }} AS said
        ON said.as_of = days.labelled_on AND said.role = 'champion'
        AND said.customer_id = drawn.customer_id
    WHERE said.segment <> 'everyone'
    {%- endif %}
),

arms AS (
    SELECT
        source, campaign_id, segment, offer, starts_on, ends_on, told_on, is_contacted,
        count(*) AS customers,
        sum(weight * gain) / sum(weight) AS mean_gain,
        var_samp(gain) AS variance
    FROM labelled
    GROUP BY source, campaign_id, segment, offer, starts_on, ends_on, told_on, is_contacted
)

SELECT
    treated.source,
    treated.campaign_id,
    treated.segment,
    treated.offer,
    treated.starts_on,
    treated.ends_on,
    treated.told_on AS known_on,
    treated.customers AS contacted,
    control.customers AS held_out,
    CAST(treated.mean_gain - control.mean_gain AS DOUBLE PRECISION) AS effect,
    CAST(
        sqrt(treated.variance / treated.customers + control.variance / control.customers)
        AS DOUBLE PRECISION
    ) AS error
FROM arms AS treated
INNER JOIN arms AS control
    ON control.source = treated.source AND control.campaign_id = treated.campaign_id
    AND control.segment = treated.segment
WHERE treated.is_contacted AND NOT control.is_contacted
    AND treated.customers > 1 AND control.customers > 1
