-- One row per sales agent, day from which it holds and state in which it was known.
{{ as_valid('agents', ['agent_id'], {
    'agent_id': 'varchar', 'location_id': 'varchar', 'tier': 'varchar', 'joined_on': 'date',
    'left_on': 'date',
}) }}
