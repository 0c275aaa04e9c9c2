"""Learn from what was known: examples, backtests, versions."""
