"""operations/fleet."""
