"""Use cases of the retail pack."""
