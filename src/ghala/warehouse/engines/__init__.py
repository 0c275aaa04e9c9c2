"""The databases that can hold the warehouse."""
