"""Use cases of Marketing."""
