"""Online Retail II."""
