"""The watch over every model: outcomes, accuracy, drift, and what follows from them."""
