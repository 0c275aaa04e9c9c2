"""ghala: one warehouse, one feature store, one road to production, one watch over every model."""

from ghala.workspace import Workspace

__all__ = ["Workspace"]
