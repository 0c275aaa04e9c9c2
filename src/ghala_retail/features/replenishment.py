"""Features of what is ordered for a depot: how fast it goes, and how unevenly."""

from ghala.features.definitions import FeatureView, Window

pace = FeatureView(
    name="replenishment_pace",
    entity=("grain", "series"),
    source="features.demand_history",
    event_time="week",
    known_on="known_on",
    description="Units a week of a SKU in a depot, as sold and as wanted from a full shelf.",
    owner="Operations",
    windows=(
        *(Window(f"wanted_{n}", "mean", "clean_units", 7 * n) for n in (4, 8, 26)),
        *(Window(f"sold_pace_{n}", "mean", "units", 7 * n) for n in (8, 26)),
        Window("sold_square_26", "mean", "units * units", 182),
        Window("wanted_square_26", "mean", "clean_units * clean_units", 182),
    ),
)
