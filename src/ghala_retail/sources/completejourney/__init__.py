"""The Complete Journey."""
