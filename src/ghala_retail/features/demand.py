"""Features of demand series: a SKU over the chain, or a category in a store."""

from ghala.features.definitions import Derived, FeatureView, Window

_MEANS = (1, 2, 4, 8, 13, 26, 52)
_PLANNED = ("mailer_share", "front_share", "back_share", "feature_share", "display_share")
_PLAIN = "mailer_share < 0.1"

series = FeatureView(
    name="demand_series",
    entity=("grain", "series"),
    source="features.demand_history",
    event_time="week",
    known_on="known_on",
    description="How much a series sold, with and without its promotions' lift.",
    owner="Operations",
    windows=(
        *(Window(f"units_{n}", "mean", "units", 7 * n) for n in _MEANS),
        *(Window(f"clean_{n}", "mean", "clean_units", 7 * n) for n in _MEANS),
        *(
            Window(f"sold_{n}", "mean", "CASE WHEN units > 0 THEN 1 ELSE 0 END", 7 * n)
            for n in (4, 8, 13, 26)
        ),
        *(Window(f"plain_{n}", "mean", "units", 7 * n, where=_PLAIN) for n in (4, 8, 13, 26)),
        Window("promoted_26", "mean", "units", 182, where="mailer_share >= 0.5"),
        Window("promoted_weeks_26", "count", "week", 182, where="mailer_share >= 0.5"),
        Window("peak_13", "max", "units", 91),
        Window("spread_13", "stddev_samp", "units", 91),
        *(Window(f"revenue_{n}", "mean", "revenue", 7 * n) for n in (1, 4, 26)),
        *(Window(f"{name}_{n}", "mean", name, 7 * n) for name in _PLANNED for n in (1, 8, 26)),
        *(Window(f"discount_share_{n}", "mean", "discount_share", 7 * n) for n in (1, 8, 26)),
        *(Window(f"list_price_{n}", "mean", "list_price", 7 * n) for n in (1, 4, 8, 26)),
        *(Window(f"short_days_{n}", "sum", "short_days", 7 * n) for n in (1, 8)),
        Window("age_weeks", "last", "age_weeks", 14),
        Window("known_weeks", "last", "known_weeks", 14),
        Window("sold_weeks", "last", "sold_weeks", 14),
        Window("last_sold_week", "last", "last_sold_week", 14),
    ),
    derived=(
        Derived("idle_weeks", "CAST(floor((as_of - last_sold_week) / 7.0) AS BIGINT) - 1"),
        *(Derived(f"price_{n}", f"revenue_{n} / nullif(units_{n}, 0)") for n in (1, 4, 26)),
    ),
)

category = FeatureView(
    name="demand_category",
    entity=("grain", "category"),
    source="features.demand_categories",
    event_time="week",
    known_on="known_on",
    description="Where the whole category is heading.",
    owner="Operations",
    windows=(
        *(Window(f"category_units_{n}", "mean", "units", 7 * n) for n in (1, 4, 13)),
        *(Window(f"category_cleaned_{n}", "mean", "clean_units", 7 * n) for n in (2, 4, 8, 26)),
    ),
    derived=(
        Derived("category_1_4", "category_units_1 / nullif(category_units_4, 0)"),
        Derived("category_4_13", "category_units_4 / nullif(category_units_13, 0)"),
        Derived("category_clean_2_8", "category_cleaned_2 / nullif(category_cleaned_8, 0)"),
        Derived("category_clean_4_8", "category_cleaned_4 / nullif(category_cleaned_8, 0)"),
        Derived("category_clean_8_26", "category_cleaned_8 / nullif(category_cleaned_26, 0)"),
    ),
)

location = FeatureView(
    name="demand_location",
    entity=("grain", "location_id"),
    source="features.demand_locations",
    event_time="week",
    known_on="known_on",
    description="Where the whole location is heading.",
    owner="Operations",
    windows=tuple(Window(f"location_units_{n}", "mean", "units", 7 * n) for n in (1, 4, 8, 13, 26)),
    derived=(
        Derived("location_1_4", "location_units_1 / nullif(location_units_4, 0)"),
        Derived("location_4_13", "location_units_4 / nullif(location_units_13, 0)"),
        Derived("location_8_26", "location_units_8 / nullif(location_units_26, 0)"),
    ),
)

chain = FeatureView(
    name="demand_chain",
    entity=("grain",),
    source="features.demand_chain",
    event_time="week",
    known_on="known_on",
    description="What all locations sell, to take a location's share of.",
    owner="Operations",
    windows=tuple(Window(f"chain_units_{n}", "mean", "units", 7 * n) for n in (13, 26)),
)

sku = FeatureView(
    name="demand_sku",
    entity=("grain", "sku"),
    source="features.demand_skus",
    event_time="week",
    known_on="known_on",
    description="How much a SKU is wanted over all locations that hold it.",
    owner="Operations",
    windows=tuple(Window(f"sku_cleaned_{n}", "mean", "clean_units", 7 * n) for n in (2, 4, 8, 26)),
    derived=(
        Derived("sku_clean_2_8", "sku_cleaned_2 / nullif(sku_cleaned_8, 0)"),
        Derived("sku_clean_4_8", "sku_cleaned_4 / nullif(sku_cleaned_8, 0)"),
        Derived("sku_clean_8_26", "sku_cleaned_8 / nullif(sku_cleaned_26, 0)"),
    ),
)
