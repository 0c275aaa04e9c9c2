"""Trucks per depot and day."""
