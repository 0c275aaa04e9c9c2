"""marketing/positioning."""
