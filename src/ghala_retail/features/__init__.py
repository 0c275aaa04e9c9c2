"""Features of the retail pack."""
