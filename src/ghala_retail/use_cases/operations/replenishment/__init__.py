"""operations/demand."""
