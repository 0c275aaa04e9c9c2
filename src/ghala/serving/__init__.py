"""Answers of models: batch scoring into the warehouse."""
