"""Claims about what is read over HTTP."""
