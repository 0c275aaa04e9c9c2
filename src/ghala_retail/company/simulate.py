"""The story: a company lives day by day, its systems export, and the truth is kept apart."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ghala.contracts.errors import UsageError
from ghala_retail.company import masters
from ghala_retail.company.business import Business, Company
from ghala_retail.company.exports import Outbox
from ghala_retail.company.faults import Faults
from ghala_retail.company.marketing import ASSIGNED_AHEAD, PLANNED_AHEAD
from ghala_retail.company.masters import BEFORE
from ghala_retail.company.reports import Reports
from ghala_retail.company.supply import Movements
from ghala_retail.company.witness import Witness
from ghala_retail.company.world import Plan

MARK = "facts.json"
"""Only a folder whose truth holds this file is replaced."""

log = logging.getLogger("ghala.simulate")


def simulate(plan: Plan, out: Path) -> dict[str, Any]:
    """Write what the company's systems export, and the truth, under a folder.

    Returns:
        The rows written, by feed.
    """
    company = Company(plan)
    outbox = Outbox(out / "inbox" / "company")
    export = Export(company, outbox)
    witness = Witness(company)
    witness.announce(out / "truth")
    export.open()
    for business in company.days():
        export.day(business)
        witness.see(business)
        if business.day.date.day == 1:
            log.info("%s  %s rows written", business.day.date, f"{sum(outbox.rows.values()):,}")
    outbox.close_day(plan.days)
    outbox.close()
    witness.write(out / "truth", export.faults.planted)
    return dict(outbox.rows)


def simulate_into(out: Path, plan: Plan) -> dict[str, Any]:
    """Simulate into a folder that is new, empty, or holds an earlier simulation.

    Raises:
        UsageError: the folder holds something else.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file.", "Name a folder: ghala simulate OUT")
    held = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if held and not ({*held} == {"inbox", "truth"} and (out / "truth" / MARK).is_file()):
        raise UsageError(
            f"{out} holds something else than a simulation ({', '.join(held[:3])}); it was left"
            " as it is.",
            "Name a new folder: ghala simulate OUT",
        )
    for name in held:
        shutil.rmtree(out / name)
    rows = simulate(plan, out)
    return {"folder": str(out), "first_day": str(plan.date(0)),
            "last_day": str(plan.date(plan.days - 1)), "rows": rows}  # fmt: skip


class Export:
    """Sends what each day brings into the inbox."""

    def __init__(self, company: Company, outbox: Outbox) -> None:
        self.company, self.outbox = company, outbox
        self.reports = Reports(outbox, assortment=company.assortment, depots=company.depots)
        self.faults = Faults(company.plan, company.draws, company.assortment)

    def open(self) -> None:
        """Master data, prices and plans before the first day; opening stock on its morning."""
        company = self.company
        masters.send_suppliers(self.outbox, company.suppliers)
        masters.send_depots(self.outbox, company.depots)
        self._masters(BEFORE)
        self._plans(BEFORE)
        known = np.flatnonzero(company.assortment.launched <= BEFORE + masters.KNOWN_AHEAD)
        self.reports.prices(company.prices.opening(known, 0), arrives=BEFORE)
        cells = np.flatnonzero(company.stock.there)
        none = np.zeros(len(cells), int)
        there = company.stock.there[cells]
        self.reports.stock(Movements(cells, none, none, none, there), BEFORE)
        self.outbox.close_day(BEFORE)

    def day(self, business: Business) -> None:
        """What became known on a day: decisions at once, deeds the morning after."""
        company, day = self.company, business.day.day
        self._masters(day)
        self._plans(day)
        if company.revision is not None:
            self.reports.prices(company.revision, arrives=day + 1)
        new = masters.known_products(company.assortment, day)
        if len(new):
            self.reports.prices(company.prices.opening(new, day), arrives=day)
        self.outbox.close_day(day)
        self._deeds(business)
        self.faults.disturb(self.outbox, day)

    def _masters(self, day: int) -> None:
        company = self.company
        masters.send_products(self.outbox, company.assortment, day)
        masters.send_agents(self.outbox, company.agents, depots=company.depots, day=day)
        masters.send_customers(self.outbox, company.customers, depots=company.depots, day=day)
        masters.send_calendar(self.outbox, company.plan, day)

    def _plans(self, day: int) -> None:
        """Promotions three weeks ahead, cancellations as they are decided, lots two days ahead."""
        marketing = self.company.marketing
        weeks = range(PLANNED_AHEAD // 7) if day == BEFORE else [(day + PLANNED_AHEAD) // 7]
        if day == BEFORE or day % 7 == 0:
            for week in weeks:
                self.reports.promotions(marketing.planned(week), arrives=day, cancelled=False)
        for week in range(max(day // 7, 0), day // 7 + 3):
            gone = [p for p in marketing.planned(week) if p.cancelled_on == day]
            self.reports.promotions(gone, arrives=day, cancelled=True)
        coming = marketing.campaign(day + ASSIGNED_AHEAD)
        if coming is not None and coming.start == day + ASSIGNED_AHEAD:
            self.reports.campaign(coming, *marketing.assign(coming), arrives=day)

    def _deeds(self, business: Business) -> None:
        company, day = self.company, business.day.day
        company.clerks.send(self.outbox, business.sales, day=day, after=business.after)
        self.reports.stock(business.moved, day)
        if business.placed is not None:
            self.reports.purchases(business.placed, day, cost=company.prices.cost)
        self.reports.receipts(business.arrived, day)
        self.reports.tasks(business.waves, day)
        self.reports.trips(business.trips, day)
        self.reports.shifts(business.shifts, day)
        self.reports.competitor_prices(company.competitors.scrape(day), day)
        usd = float(company.prices.usd_kes)
        self.reports.market_rates(business.day, usd_kes=usd, fuel=business.fuel)
