"""Prices, plans, stock and work as the company's systems report them."""

import numpy as np
import pyarrow as pa

from ghala_retail.company.assortment import Assortment
from ghala_retail.company.calendar import ZONES, Day
from ghala_retail.company.draws import Array
from ghala_retail.company.exports import Outbox, days, decimal, moments, whole, words
from ghala_retail.company.marketing import OFFERS, Campaign, Promotion
from ghala_retail.company.operations import (
    HIRES,
    SHIFT_BEGINS,
    SHIFT_HOURS,
    TASKS,
    Shifts,
    Trips,
    Waves,
)
from ghala_retail.company.people import Depots
from ghala_retail.company.pricing import ARM_NAMES, COMPETITORS, REASONS, Revision
from ghala_retail.company.supply import Movements, Purchases


class Reports:
    """Turns what happened into rows; codes become the names that the company uses."""

    def __init__(self, outbox: Outbox, *, assortment: Assortment, depots: Depots) -> None:
        self.outbox, self.assortment, self.depots = outbox, assortment, depots

    def prices(self, revision: Revision, *, arrives: int) -> None:
        """Prices that were decided."""
        known = self.assortment.launched[revision.sku] <= arrives + 14
        count = int(known.sum())
        self.outbox.send(
            "prices",
            {
                "sku": words(self.assortment.ids, revision.sku[known]),
                "zone": words(ZONES, revision.zone[known]),
                "valid_from": days(np.full(count, revision.valid_from)),
                "price_kes": decimal(revision.price[known]),
                "cost_kes": decimal(revision.cost[known]),
                "reason": words(REASONS, revision.reason[known]),
                "test_arm": words(
                    ARM_NAMES, revision.arm[known].clip(min=0), unless=revision.arm[known] < 0
                ),
            },
            arrives=arrives,
        )

    def competitor_prices(self, scraped: tuple[Array, Array, Array], day: int) -> None:
        """What was scraped on a day."""
        competitor, sku, price = scraped
        self.outbox.send(
            "competitor_prices",
            {
                "competitor": words(COMPETITORS, competitor),
                "sku": words(self.assortment.ids, sku),
                "scraped_on": days(np.full(len(sku), day)),
                "price_kes": decimal(price),
            },
            arrives=day + 1,
        )

    def market_rates(self, day: Day, *, usd_kes: float, fuel: float) -> None:
        """The rates of a day."""
        rates = ["usd_kes", "fuel_kes_l", *["rain_mm"] * len(ZONES)]
        self.outbox.send(
            "market_rates",
            {
                "rate": pa.array(rates),
                "place": pa.array(["KE", "KE", *ZONES]),
                "day": days(np.full(len(rates), day.day)),
                "value": pa.array([round(usd_kes, 4), round(fuel, 2), *day.rain_mm.tolist()]),
            },
            arrives=day.day + 1,
        )

    def promotions(self, promotions: list[Promotion], *, arrives: int, cancelled: bool) -> None:
        """Promotions as they are planned, or their cancellation."""
        for found in promotions:
            depot, sku = (
                part.ravel() for part in np.meshgrid(found.depots, found.skus, indexing="ij")
            )
            count = len(sku)
            self.outbox.send(
                "promotions",
                {
                    "promotion_id": pa.array([found.id] * count),
                    "event": pa.array([found.event] * count),
                    "sku": words(self.assortment.ids, sku),
                    "depot_id": words(self.depots.ids, depot),
                    "starts_on": days(np.full(count, found.start)),
                    "ends_on": days(np.full(count, found.end)),
                    "discount": decimal(np.full(count, found.discount), 4),
                    "is_featured": pa.array([found.is_featured] * count),
                    "is_cancelled": pa.array([cancelled] * count),
                },
                arrives=arrives,
            )

    def campaign(self, found: Campaign, who: Array, contacted: Array, *, arrives: int) -> None:
        """A campaign, and the lots that were drawn."""
        name, contact, off = OFFERS[found.offer]
        self.outbox.send(
            "campaigns",
            {
                "campaign_id": pa.array([found.id]),
                "offer": pa.array([name]),
                "starts_on": days(np.array([found.start])),
                "ends_on": days(np.array([found.end])),
                "contact_cost_kes": decimal(np.array([contact])),
                "discount_kes": decimal(np.array([off])),
                "holdout_share": decimal(np.array([found.holdout]), 4),
            },
            arrives=arrives,
        )
        self.outbox.send(
            "assignments",
            {
                "campaign_id": words(np.array([found.id]), np.zeros(len(who))),
                "customer_id": whole(who + 1, bits=64),
                "is_contacted": pa.array(contacted),
                "propensity": pa.array(np.full(len(who), 1 - found.holdout)),
                "assigned_on": days(np.full(len(who), arrives)),
            },
            arrives=arrives,
        )

    def stock(self, moved: Movements, day: int) -> None:
        """Closing stock where anything moved."""
        depot, sku = np.divmod(moved.cell, self.assortment.count)
        self.outbox.send(
            "stock",
            {
                "sku": words(self.assortment.ids, sku),
                "depot_id": words(self.depots.ids, depot),
                "day": days(np.full(len(sku), day)),
                "received": whole(moved.received),
                "shipped": whole(moved.shipped),
                "adjusted": whole(moved.adjusted),
                "closing": whole(moved.closing),
            },
            arrives=day + 1,
        )

    def purchases(self, placed: Purchases, day: int, *, cost: Array) -> None:
        """Orders to suppliers."""
        depot, sku = np.divmod(placed.cell, self.assortment.count)
        self.outbox.send(
            "purchase_orders",
            {
                "purchase_id": whole(placed.number + 1, bits=64),
                "supplier_id": pa.array([f"S{n + 1:03}" for n in placed.supplier]),
                "depot_id": words(self.depots.ids, depot),
                "sku": words(self.assortment.ids, sku),
                "ordered_on": days(np.full(len(sku), day)),
                "expected_on": days(placed.expected),
                "units": whole(placed.units),
                "unit_cost_kes": decimal(cost[sku]),
            },
            arrives=day + 1,
        )

    def receipts(self, arrived: list[Purchases], day: int) -> None:
        """What came in of them."""
        for part in arrived:
            self.outbox.send(
                "receipts",
                {
                    "purchase_id": whole(part.number + 1, bits=64),
                    "sku": words(self.assortment.ids, part.cell % self.assortment.count),
                    "received_on": days(np.full(len(part.cell), day)),
                    "units": whole(part.units),
                },
                arrives=day + 1,
            )

    def tasks(self, waves: Waves, day: int) -> None:
        """Waves of work."""
        self.outbox.send(
            "tasks",
            {
                "task_id": whole(day * 100_000 + np.arange(len(waves.depot)) + 1, bits=64),
                "depot_id": words(self.depots.ids, waves.depot),
                "task": words(TASKS, waves.task),
                "worker_id": whole(waves.worker + 1, bits=64),
                "started_at": moments(day, waves.begin),
                "ended_at": moments(day, waves.end),
                "lines": whole(waves.lines),
                "units": whole(waves.units),
            },
            arrives=day + 1,
        )

    def trips(self, trips: Trips, day: int) -> None:
        """Truck trips."""
        names = [
            f"{self.depots.ids[d]}-{HIRES[h][0].upper()}{v + 1}"
            for d, h, v in zip(trips.depot, trips.hire, trips.vehicle, strict=True)
        ]
        self.outbox.send(
            "trips",
            {
                "trip_id": whole(day * 100_000 + np.arange(len(names)) + 1, bits=64),
                "depot_id": words(self.depots.ids, trips.depot),
                "vehicle_id": pa.array(names, pa.string()),
                "hire": words(HIRES, trips.hire),
                "departed_at": moments(day, trips.begin),
                "returned_at": moments(day, trips.end),
                "stops": whole(trips.stops),
                "volume_l": decimal(trips.litres, 1),
                "distance_km": decimal(trips.km, 1),
                "cost_kes": decimal(trips.cost),
            },
            arrives=day + 1,
        )

    def shifts(self, shifts: Shifts, day: int) -> None:
        """Who was planned, and who came."""
        count = len(shifts.depot)
        begin = np.full(count, SHIFT_BEGINS)
        self.outbox.send(
            "shifts",
            {
                "shift_id": whole(day * 100_000 + np.arange(count) + 1, bits=64),
                "depot_id": words(self.depots.ids, shifts.depot),
                "worker_id": whole(shifts.worker + 1, bits=64),
                "task": words(TASKS, shifts.task),
                "starts_at": moments(day, begin),
                "ends_at": moments(day, begin + int(SHIFT_HOURS * 3600)),
                "is_absent": pa.array(shifts.is_absent),
                "cost_kes": decimal(shifts.cost),
            },
            arrives=day + 1,
        )
