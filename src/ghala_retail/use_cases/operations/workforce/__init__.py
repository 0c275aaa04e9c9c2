"""operations/workforce."""
