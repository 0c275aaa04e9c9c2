"""The simulated company: what its systems would export, and apart from it the truth."""
