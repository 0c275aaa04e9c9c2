"""The feature store: features declared once, read as they were known at a time."""
