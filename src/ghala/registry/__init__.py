"""Versions of models: MLflow for tracking and artifacts, the ledger for stages, signatures."""
