"""Answers for programs, as JSON."""
