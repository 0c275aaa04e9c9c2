"""Use cases of Operations."""
