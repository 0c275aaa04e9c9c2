"""Sources of the retail pack."""
