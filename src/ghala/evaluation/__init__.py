"""How good is it? Pure functions: metrics, intervals, gates; verdicts come with reasons."""
