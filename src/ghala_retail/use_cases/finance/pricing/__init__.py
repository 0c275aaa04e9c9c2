"""finance/pricing."""
