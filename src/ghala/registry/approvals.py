"""Who must sign a version off, who may, and whose signature still counts."""

from ghala.contracts.errors import Denied
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.ledger.book import Ledger
from ghala.ledger.stages import moves_to


class Approvals:
    """The sign-offs of one use case's versions, as its policy and the ledger count them."""

    def __init__(self, workspace: Workspace, ledger: Ledger, use_case: UseCase) -> None:
        self.workspace = workspace
        self.ledger = ledger
        self.use_case = use_case
        self.name = use_case.name

    def are_met(self, version: int) -> bool:
        """Whether as many people have signed as the policy asks for."""
        return len(self.signers(version)) >= self.use_case.policy.approval.people

    def signers(self, version: int) -> set[str]:
        """Who approved a version, knowing of every newer one that is on the road by now.

        An approval given before a newer version came says nothing of the choice between the two.
        """
        since = self.last_arrival(version)
        said = self.ledger.entries("approval", self.name, version=version)
        return {entry.actor for entry in said if entry.number > since}

    def last_arrival(self, version: int) -> int:
        """The number of the fact by which the last newer version came into staging, or 0."""
        arrived = moves_to(self.ledger, self.name, Stage.STAGING)
        return max((e.number for e in arrived if (e.version or 0) > version), default=0)

    def require(self, version: int) -> None:
        """Check that enough people have signed.

        Raises:
            Denied: saying who is missing and whose signature is stale.
        """
        rule, signed = self.use_case.policy.approval, self.signers(version)
        if len(signed) < rule.people:
            who = "someone" if rule.people == 1 else f"{rule.people} people"
            given = {e.actor for e in self.ledger.entries("approval", self.name, version=version)}
            stale = sorted(given - signed)
            told = f" {', '.join(sorted(signed))} signed." if signed else ""
            told += f" What {', '.join(stale)} signed is from before a newer version." * bool(stale)
            raise Denied(
                f"Version {version} of {self.name} needs the approval of {who} with the role"
                f" {rule.role!r}.{told}",
                f"That person runs `ghala approve {self.name} {version} --comment ...`.",
            )

    def require_right_to_sign(self, version: int) -> None:
        """Check that the ledger's actor may sign.

        Raises:
            Denied: the actor lacks the role, or made the version.
        """
        actor, role = self.ledger.actor, self.use_case.policy.approval.role
        person = self.workspace.settings.people.get(actor)
        if person is None or role not in person.roles:
            holders = [n for n, p in self.workspace.settings.people.items() if role in p.roles]
            raise Denied(
                f"{actor} does not have the role {role!r}; {', '.join(holders) or 'nobody'} does.",
                "Ask one of them, or give the role in ghala.toml.",
            )
        authors = {e.actor for e in self.ledger.entries("training", self.name, version=version)}
        if actor in authors:
            raise Denied(
                f"{actor} made version {version} of {self.name} and may not sign it off.",
                f"Ask someone else with the role {role!r}.",
            )
