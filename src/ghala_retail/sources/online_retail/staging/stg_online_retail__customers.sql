-- One row per customer with an account.
SELECT customer_id, min(_arrived_on) AS known_on, min(_batch) AS batch
FROM {{ source('raw', 'online_retail__invoices') }}
WHERE customer_id IS NOT NULL
GROUP BY customer_id
