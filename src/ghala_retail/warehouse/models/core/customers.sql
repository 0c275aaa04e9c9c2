{{ from_sources('customers', ['customer_id', 'age_band', 'income_band', 'household_size', 'children']) }}
