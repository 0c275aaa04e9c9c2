"""marketing/events."""
