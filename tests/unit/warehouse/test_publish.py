import json
import random
import re
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import duckdb
import polars as pl
import pytest

from ghala.contracts.errors import DataRejected, TryAgain
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.manifest import place, verify_manifest
from ghala.warehouse.parquet import read_parquet
from ghala.warehouse.publish import Published, publish, read_published

START = date(2024, 1, 1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "o'duka")
    with DuckDBWarehouse(made.warehouse) as warehouse:
        warehouse.execute("CREATE SCHEMA marts_operations")
        warehouse.execute("CREATE SCHEMA core")
        warehouse.execute("CREATE TABLE core.secrets AS SELECT 'private' AS word")
    return made


def publish_value(workspace: Workspace, value: int) -> Published:
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        for name in ("one", "other"):
            warehouse.execute(
                f"CREATE OR REPLACE TABLE marts_operations.{name} AS SELECT {value} AS value"
            )
        return publish(workspace, warehouse, as_of=START + timedelta(days=value))


def value_of(published: Published, name: str = "one") -> int:
    return published.query(f"SELECT value FROM marts_operations.{name}")[0]["value"]


def test_before_the_first_build_a_reader_is_told_to_run(tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="Nothing is published yet") as refused:
        read_published(Workspace(tmp_path))

    assert refused.value.exit_code == 75
    assert "ghala run" in refused.value.next_step


def test_readers_see_the_newest_build_with_its_date_and_only_its_marts(
    workspace: Workspace,
) -> None:
    publish_value(workspace, 1)
    publish_value(workspace, 2)

    found = read_published(workspace, verify=True)

    assert (found.number, found.as_of, value_of(found)) == (2, START + timedelta(days=2), 2)
    with pytest.raises(duckdb.CatalogException):
        found.query("SELECT word FROM core.secrets")


def test_a_reader_of_the_old_build_keeps_reading_it(workspace: Workspace) -> None:
    old = publish_value(workspace, 1)

    with old.reading() as connection:
        publish_value(workspace, 2)
        assert connection.execute("SELECT value FROM marts_operations.one").fetchall() == [(1,)]
    assert value_of(read_published(workspace)) == 2


def test_a_reader_never_waits_and_never_sees_half_a_build(workspace: Workspace) -> None:
    publish_value(workspace, 1)
    writer = Thread(target=lambda: [publish_value(workspace, n) for n in range(2, 6)])
    seen = set()
    writer.start()
    while writer.is_alive():
        found = read_published(workspace)
        with found.reading() as connection:
            seen.add(
                connection.execute(
                    "SELECT one.value, other.value FROM marts_operations.one AS one,"
                    " marts_operations.other AS other"
                ).fetchone()
            )
    writer.join()

    assert all(one == other for one, other in seen)
    assert value_of(read_published(workspace)) == 5


def test_a_build_that_was_not_finished_is_never_seen(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_value(workspace, 1)

    def die(_folder: Path) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr("ghala.warehouse.publish.write_manifest", die)
        with pytest.raises(SystemExit):
            publish_value(workspace, 2)

    assert value_of(read_published(workspace, verify=True)) == 1
    publish_value(workspace, 3)
    assert value_of(read_published(workspace, verify=True)) == 3


def test_three_builds_are_kept(workspace: Workspace) -> None:
    for value in range(1, 6):
        publish_value(workspace, value)

    kept = sorted(folder.name for folder in workspace.published.iterdir() if folder.is_dir())
    assert kept == ["000003", "000004", "000005"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_parquet('{neighbour}')",
        "COPY (SELECT 1) TO '{outside}'",
        "ATTACH '{outside}' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "RESET enable_external_access",
        "PRAGMA memory_limit = '100GB'",
    ],
)
def test_sql_of_a_reader_reaches_no_other_file_and_no_setting(
    workspace: Workspace, tmp_path: Path, statement: str
) -> None:
    neighbour = publish_value(workspace, 1).folder / "marts_operations.one.parquet"
    published = publish_value(workspace, 2)
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\n1\n", encoding="utf-8")
    given = {
        "outside": str(outside).replace("'", "''"),
        "neighbour": str(neighbour).replace("'", "''"),
    }

    with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
        published.query(statement.format(**given))

    assert outside.read_text(encoding="utf-8") == "secret\n1\n"


def flip(file: Path, position: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[position % len(content)] ^= 1 << bit
    file.write_bytes(content)


def test_a_bit_flipped_anywhere_in_a_published_file_is_an_error_that_names_the_file(
    workspace: Workspace,
) -> None:
    published = publish_value(workspace, 1)
    files = sorted(published.folder.glob("*.parquet"))
    draw = random.Random(20_240_101)  # noqa: S311 - places, not secrets
    assert value_of(published) == 1
    for _ in range(100):
        file, bit = draw.choice(files), draw.randrange(8)
        position = draw.randrange(file.stat().st_size)
        flip(file, position, bit)
        with pytest.raises(DataRejected, match=re.escape(str(file))) as refused:
            value_of(read_published(workspace))
        assert refused.value.exit_code == 4
        flip(file, position, bit)
    assert value_of(read_published(workspace)) == 1


@pytest.mark.parametrize("name", ["current.json", "000002/MANIFEST.json"])
def test_a_bit_flipped_in_the_pointer_or_the_manifest_is_noticed(
    workspace: Workspace, name: str
) -> None:
    publish_value(workspace, 1)
    publish_value(workspace, 2)
    file = workspace.published / name
    for position in range(file.stat().st_size):
        flip(file, position, position % 7)
        with pytest.raises((DataRejected, TryAgain)):
            value_of(read_published(workspace))
        flip(file, position, position % 7)
    assert value_of(read_published(workspace)) == 2


def test_every_page_of_a_published_file_carries_a_checksum(workspace: Workspace) -> None:
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        warehouse.execute(
            "CREATE TABLE marts_operations.long AS SELECT i, i * 0.5 AS x, sum(i) OVER () AS total,"
            " 's' || i % 90 AS s FROM range(5000) AS r (i)"
        )
        published = publish(workspace, warehouse, as_of=START)
    file = published.folder / "marts_operations.long.parquet"
    good, size = read_parquet(file), file.stat().st_size
    assert good["total"].dtype == pl.Int64
    assert good["i"].to_list() == list(range(5000))
    draw = random.Random(1)  # noqa: S311
    for _ in range(100):
        position, bit = draw.randrange(4, size - 2000), draw.randrange(8)  # footer: no page
        flip(file, position, bit)
        with pytest.raises(DataRejected, match="cannot be read as Parquet"):
            read_parquet(file)
        flip(file, position, bit)
    assert read_parquet(file).equals(good)


def test_a_build_is_verified_once_and_again_when_a_file_was_touched(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish_value(workspace, 7)
    verified: list[Path] = []
    monkeypatch.setattr("ghala.warehouse.publish.verify_manifest", verified.append)
    value_of(published)
    value_of(published)
    assert verified == [published.folder]
    (published.folder / "marts_operations.one.parquet").touch()
    value_of(published)
    assert verified == [published.folder] * 2


@pytest.mark.parametrize("change", ["added", "removed"])
def test_an_added_or_removed_file_of_a_build_is_named(workspace: Workspace, change: str) -> None:
    folder = publish_value(workspace, 1).folder
    file = folder / "marts_operations.one.parquet"
    if change == "removed":
        file.unlink()
    else:
        file = folder / "marts_operations.extra.parquet"
        file.write_bytes(b"PAR1")

    with pytest.raises(DataRejected, match=file.name):
        verify_manifest(folder)


def test_the_manifest_lists_every_file_of_the_build(workspace: Workspace) -> None:
    folder = publish_value(workspace, 1).folder
    listed = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))

    assert set(listed) == {file.name for file in folder.iterdir()} - {"MANIFEST.json"}
    assert "marts_operations.one.parquet" in listed


def test_a_file_is_put_into_place_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)

    place(source, tmp_path / "deep" / "target")

    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["target"]
    assert (tmp_path / "deep" / "target").read_bytes() == source.read_bytes()
