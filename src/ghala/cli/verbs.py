"""Every verb, registered with the command line in the order of the loop."""

from importlib import import_module

from ghala.cli.application import application

for room in ("steps", "landed", "sources", "scaffolds", "benchmarks", "road", "views", "packs"):
    import_module(f"ghala.cli.{room}")

__all__ = ["application"]
