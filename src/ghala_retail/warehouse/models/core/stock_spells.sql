{{ config(materialized='incremental', incremental_strategy='delete+insert',
          unique_key=['source', 'sku', 'location_id']) }}

-- One row per SKU, location and spell with or without stock, as known now: from the first day that
-- ended so to the first day that did not (null while it lasts). An incremental run writes a pair anew
-- only when a new count of a day disagrees with the spell that the day lies in.
WITH stock AS (
    SELECT source, sku, location_id, day, is_stockout, batch
    FROM {{ ref('stock_days') }}
    WHERE superseded_on IS NULL
),

{% if is_incremental() -%}
turned AS (
    SELECT DISTINCT news.source, news.sku, news.location_id
    FROM stock AS news
    LEFT JOIN {{ this }} AS spells
        ON spells.source = news.source AND spells.sku = news.sku
        AND spells.location_id = news.location_id AND spells.is_stockout = news.is_stockout
        AND spells.from_day <= news.day AND (spells.to_day IS NULL OR spells.to_day > news.day)
    WHERE news.batch > {{ last_batch() }} AND spells.sku IS NULL
),
{%- endif %}

counted AS (
    SELECT *
    FROM stock
    {% if is_incremental() -%}
    WHERE (source, sku, location_id) IN (SELECT source, sku, location_id FROM turned)
    {%- endif %}
),

compared AS (
    SELECT
        *,
        lag(is_stockout) OVER before AS was_stockout,
        max(batch) OVER (PARTITION BY source, sku, location_id) AS newest_batch
    FROM counted
    WINDOW before AS (PARTITION BY source, sku, location_id ORDER BY day)
),

turns AS (
    SELECT *, lead(day) OVER onward AS to_day
    FROM compared
    WHERE was_stockout IS NULL OR is_stockout <> was_stockout
    WINDOW onward AS (PARTITION BY source, sku, location_id ORDER BY day)
)

SELECT source, sku, location_id, day AS from_day, to_day, is_stockout, newest_batch AS batch
FROM turns
