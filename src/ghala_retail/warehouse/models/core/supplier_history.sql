-- One row per supplier, day from which its terms hold and state in which they were known.
{{ as_valid('suppliers', ['supplier_id'], {
    'supplier_id': 'varchar', 'name': 'varchar', 'country': 'varchar', 'currency': 'varchar',
    'moq_units': 'integer', 'lead_time_days': 'integer', 'break_units': 'integer',
    'break_discount': 'decimal(5,4)',
}) }}
