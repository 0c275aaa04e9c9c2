"""The company: its systems exports, one feed each."""
