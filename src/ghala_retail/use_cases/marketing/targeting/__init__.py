"""Whom to contact, and with which offer."""
