"""Master data as the company's systems send it: first all of it, then what changes."""

import numpy as np
import pyarrow as pa

from ghala_retail.company.assortment import CATEGORIES, NAMES, TIERS, Assortment, Suppliers
from ghala_retail.company.calendar import ZONES, planned_events, sighted
from ghala_retail.company.draws import Array
from ghala_retail.company.exports import Outbox, Rows, days, decimal, whole, words
from ghala_retail.company.people import Agents, Customers, Depots
from ghala_retail.company.world import START, Plan

BEFORE = -1
"""The day on which the master data arrives: the one before the first business day."""
KNOWN_AHEAD = 14
"""Days before its launch that a SKU is known."""
AGENT_TIERS = ("bronze", "silver", "gold")
BRANDS = ("Jamii", "Savanna", "Rift", "Pwani Gold", "Mara", "Tana", "Simba", "Nyota")


def send_suppliers(outbox: Outbox, suppliers: Suppliers) -> None:
    """The suppliers and their terms."""
    every = np.arange(suppliers.count)
    imports = suppliers.is_import.astype(int)
    outbox.send(
        "suppliers",
        {
            "supplier_id": pa.array(suppliers.ids.tolist()),
            "name": pa.array([f"{('Local', 'Import')[i]} supplier {n + 1}"
                              for n, i in zip(every, imports, strict=True)]),
            "country": words(("KE", "CN"), imports),
            "currency": words(("KES", "USD"), imports),
            "moq_units": whole(suppliers.moq),
            "lead_time_days": whole(suppliers.lead_days),
            "break_units": whole(suppliers.break_units),
            "break_discount": decimal(suppliers.break_discount, 4),
            "valid_from": days(np.full(suppliers.count, BEFORE)),
        },
        arrives=BEFORE,
    )  # fmt: skip


def send_depots(outbox: Outbox, depots: Depots) -> None:
    """The depots, where they are and what they have."""
    names, counties, _, latitudes, longitudes = zip(*depots.towns, strict=True)
    outbox.send(
        "depots",
        {
            "depot_id": pa.array(depots.ids.tolist()),
            "name": pa.array(names),
            "county": pa.array(counties),
            "zone": words(ZONES, depots.zone),
            "latitude": pa.array(latitudes),
            "longitude": pa.array(longitudes),
            "opened_on": days(-3000 + 37 * np.arange(depots.count)),
            "own_trucks": whole(depots.trucks),
            "docks": whole(depots.docks),
            "valid_from": days(np.full(depots.count, BEFORE)),
        },
        arrives=BEFORE,
    )


def known_products(assortment: Assortment, day: int) -> Array:
    """The SKUs that become known on a day; on the first one, all that are known by then."""
    if day == BEFORE:
        return np.flatnonzero(assortment.launched <= BEFORE + KNOWN_AHEAD)
    return np.flatnonzero(assortment.launched == day + KNOWN_AHEAD)


def send_products(outbox: Outbox, assortment: Assortment, day: int) -> None:
    """SKUs that become known, and those that are delisted, on a day."""
    new = known_products(assortment, day)
    outbox.send("products", _products(assortment, new, valid_from=day, gone=False), arrives=day)
    gone = np.flatnonzero(assortment.delisted == day)
    outbox.send("products", _products(assortment, gone, valid_from=day, gone=True), arrives=day)


def _products(made: Assortment, sku: Array, *, valid_from: int, gone: bool) -> Rows:
    category, sub = made.category[sku], made.sub[sku]
    missing = made.lacks_size[sku]
    wrong = np.where(made.has_wrong_size[sku], 1000.0, 1.0)  # grams for kilograms
    life = np.array([c.shelf_life or 0 for c in CATEGORIES])[category]
    names = [f"{NAMES[c].replace('_', ' ')} {s + 1}-{k % 10 + 1}"
             for c, s, k in zip(category, sub, sku, strict=True)]  # fmt: skip
    return {
        "sku": words(made.ids, sku),
        "name": pa.array(names, pa.string()),
        "category": words(NAMES, category),
        "subcategory": pa.array([f"{NAMES[c]}_{s + 1}" for c, s in zip(category, sub, strict=True)],
                                pa.string()),
        "brand": words(BRANDS, (sku * 7 + sub) % len(BRANDS)),
        "tier": words(TIERS, made.tier[sku]),
        "supplier_id": pa.array([f"S{n + 1:03}" for n in made.supplier[sku]], pa.string()),
        "pack_units": whole(made.pack[sku]),
        "weight_kg": decimal(made.weight_kg[sku] * wrong, 3, unless=missing),
        "volume_l": decimal(made.litres[sku], 3, unless=missing),
        "shelf_life_days": whole(life, unless=life == 0),
        "vat_rate": decimal(made.vat[sku], 4),
        "is_kvi": pa.array(made.is_kvi[sku]),
        "launched_on": days(made.launched[sku]),
        "delisted_on": days(made.delisted[sku], unless=np.full(len(sku), not gone)),
        "valid_from": days(np.full(len(sku), valid_from)),
    }  # fmt: skip


def send_agents(outbox: Outbox, agents: Agents, *, depots: Depots, day: int) -> None:
    """Agents who joined and who left on a day; on the first one, all who are there."""
    new = agents.joined <= day if day == BEFORE else agents.joined == day
    parts = [(np.flatnonzero(new), True)]
    if day > BEFORE:
        parts.append((np.flatnonzero((agents.left == day) & (agents.joined < day)), False))
    arrives = day if day == BEFORE else day + 1
    for who, stays in parts:
        outbox.send(
            "agents",
            {
                "agent_id": whole(who + 1, bits=64),
                "depot_id": words(depots.ids, agents.depot[who]),
                "tier": words(AGENT_TIERS, agents.tier[who]),
                "joined_on": days(agents.joined[who]),
                "left_on": days(agents.left[who], unless=np.full(len(who), stays)),
                "valid_from": days(np.full(len(who), day)),
            },
            arrives=arrives,
        )


def send_customers(outbox: Outbox, customers: Customers, *, depots: Depots, day: int) -> None:
    """Customers who registered, and those whose agent changed, on a day."""
    known = customers.known(day)
    first = 0 if day == BEFORE else customers.known(day - 1)
    new = np.arange(first, known)
    passed = np.array([], dtype=int)
    if day > BEFORE:
        handed = (customers.handed_over[:first] == day) & (customers.agent[:first] >= 0)
        passed = np.flatnonzero(handed)
    for who in (new, passed):
        agent = customers.agent_on(who, day)
        outbox.send(
            "customers",
            {
                "customer_id": whole(who + 1, bits=64),
                "depot_id": words(depots.ids, customers.depot[who]),
                "agent_id": whole(agent + 1, unless=agent < 0, bits=64),
                "registered_on": days(customers.registered[who]),
                "gender": words(("male", "female"), customers.is_woman[who],
                                unless=who % 23 == 0),
                "birth_year": whole(customers.birth_year[who], unless=who % 11 == 0),
                "valid_from": days(np.full(len(who), day)),
            },
            arrives=day if day == BEFORE else day + 1,
        )  # fmt: skip


def send_calendar(outbox: Outbox, plan: Plan, day: int) -> None:
    """The calendar of this year and, in December, of the next; sightings as they happen."""
    when = plan.date(day)
    events = [] if day == BEFORE else sighted(when)
    if day == BEFORE:
        events = planned_events(START.year)
    elif (when.month, when.day) == (12, 1):
        events += planned_events(when.year + 1)
    if events:
        names, dates, kinds, confirmed = zip(*events, strict=True)
        outbox.send(
            "calendar",
            {
                "event": pa.array(names),
                "day": pa.array(dates),
                "kind": pa.array(kinds),
                "is_confirmed": pa.array(confirmed),
            },
            arrives=day,
        )
