"""What models said, for other use cases to read."""

from ghala.features.definitions import forecasts_of

demand_forecast = forecasts_of(
    "operations/demand", name="demand_forecast", owner="Operations", horizons=(1, 2, 3, 4),
    kept=("shock_everywhere", "shock_location", "shock_category", "shock_level"),
)  # fmt: skip
