"""Features of a depot's own days: its trucks, its people, and the work that came up."""

from ghala.features.definitions import FeatureView, Window, ratio

_SPANS = (28, 56, 182)
_HIRES = ("own", "contract", "spot")

depot_trips = FeatureView(
    name="depot_trips",
    entity=("location_id",),
    source="features.depot_trips",
    event_time="day",
    known_on="known_on",
    description="The trucks of a depot: how many, how full, how long, for how much.",
    owner="Operations",
    windows=(
        *(Window(f"depot_stops_{n}d", "mean", "stops", n, description=f"Stops a day, {n} days.")
          for n in (7, 28)),
        *(Window(f"{name}_91d", "sum", name, 91, description=f"{name} of the last 91 days.")
          for name in ("trips", "stops", "distance_km", "hours", "units", "volume_l")),
        *(Window(f"{hire}_{name}_182d", "sum", f"{hire}_{name}", 182,
                 description=f"{name} of {hire} trucks over the last 182 days.")
          for hire in _HIRES for name in ("trips", "km", "cost")),
        Window("most_stops", "max", "most_stops", 182,
               description="Most stops of one truck in the last 182 days."),
        Window("most_volume_l", "max", "most_volume_l", 182,
               description="Most litres in one truck in the last 182 days."),
    ),
)  # fmt: skip

depot_weekday_trips = FeatureView(
    name="depot_weekday_trips",
    entity=("location_id", "weekday"),
    source="features.depot_trips",
    event_time="day",
    known_on="known_on",
    description="The trucks of a depot on one day of the week.",
    owner="Operations",
    windows=tuple(
        Window(f"same_{name}_{n}d", "mean", column, n,
               description=f"{column} on this day of the week, mean over the last {n} days.")
        for name, column in (
            ("trips", "trips"), ("stops", "stops"), ("volume", "volume_l"), ("units", "units")
        )
        for n in _SPANS
    ),
)  # fmt: skip

depot_work = FeatureView(
    name="depot_work",
    entity=("location_id", "task", "shift", "weekday"),
    source="features.depot_work",
    event_time="day",
    known_on="known_on",
    description="The hours of work of a task that come up in a shift of a day of the week.",
    owner="Operations",
    windows=(
        *(
            Window(f"same_hours_{n}d", "mean", "hours", n,
                   description=f"Hours on this day of the week, mean over the last {n} days.")
            for n in _SPANS
        ),
        Window("peak_hours_182d", "max", "hours", 182,
               description="Most hours on this day of the week in the last 182 days."),
    ),
)  # fmt: skip

depot_task = FeatureView(
    name="depot_task",
    entity=("location_id", "task"),
    source="features.depot_work",
    event_time="day",
    known_on="known_on",
    description="The hours of work of a task in a depot.",
    owner="Operations",
    windows=tuple(
        Window(f"task_hours_{n}d", "sum", "hours", n,
               description=f"Hours of the task over the last {n} days.")
        for n in (7, 28, 182)
    ),
)  # fmt: skip

depot_staff = FeatureView(
    name="depot_staff",
    entity=("location_id", "task"),
    source="core.shifts",
    event_time="day",
    known_on="known_on",
    superseded_on="superseded_on",
    description="Who was planned for a task in a depot, who came, and what an hour cost.",
    owner="Operations",
    windows=(
        Window("workers_28d", "distinct", "worker_id", 28,
               description="Different people planned in the last 28 days."),
        Window("planned_shifts_91d", "count", "shift_id", 91,
               description="Shifts planned over the last 91 days."),
        Window("missed_shifts_91d", "count", "shift_id", 91, where="is_absent",
               description="Of those, the ones to which nobody came."),
        Window("paid_91d", "sum", "cost", 91, description="What they cost."),
        Window("paid_hours_91d", "sum",
               "extract(epoch FROM ends_at - starts_at) / 3600.0", 91, where="NOT is_absent",
               description="Hours that were worked and paid."),
    ),
    derived=(
        ratio("absence", "missed_shifts_91d", "planned_shifts_91d",
              description="Share of the planned shifts to which nobody came."),
        ratio("wage", "paid_91d", "paid_hours_91d", description="What an hour of work costs."),
    ),
)  # fmt: skip
