"""Every verb, registered with the command line in the order of the loop."""

from importlib import import_module

from ghala.cli.application import application

ROOMS = (
    "steps", "landed", "sources", "store", "scaffolds", "benchmarks", "road", "views", "packs",
)  # fmt: skip

for room in ROOMS:
    import_module(f"ghala.cli.{room}")

__all__ = ["application"]
