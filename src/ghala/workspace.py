"""A workspace as people open it from Python: ``ghala.Workspace("our-shop")``."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghala.features.store import FeatureStore


class Workspace:
    """A company's workspace.

    Args:
        path: its folder, or one inside it; the current one when absent.

    Raises:
        ConfigurationError: there is none.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        from ghala.contracts.settings import find_workspace

        self._found = find_workspace(None if path is None else Path(path))

    @cached_property
    def features(self) -> "FeatureStore":
        """The feature store."""
        from ghala.features.store import FeatureStore

        return FeatureStore(self._found)
