"""What every engine promises, asked of each; then what only the PostgreSQL engine has to say."""

import math
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from psycopg2.extensions import make_dsn
from tests.servers import ENGINES, open_engine

from ghala.contracts.errors import ConfigurationError, TryAgain
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.postgres import PostgresWarehouse, read_dsn

SOLD = pl.DataFrame(
    {
        "sku": ["00123", "1E5", "", None, "a 'quoted' \\N, \"text\"\nof lines"],
        "units": [1, -2, None, 4, 2**40],
        "price": [0.1, math.pi, None, -0.0, 1e300],
        "sold_on": [
            date(2024, 1, 1),
            None,
            date(1970, 1, 1),
            date(2100, 12, 31),
            date(2024, 2, 29),
        ],
        "promoted": [True, False, None, True, False],
    }
)


@pytest.fixture(params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: str
) -> Iterator[Warehouse]:
    with open_engine(request.param, tmp_path, postgres_server) as opened:
        opened.execute("CREATE SCHEMA core")
        yield opened


def hold(warehouse: Warehouse, frame: pl.DataFrame = SOLD) -> None:
    with warehouse.relation("given", frame):
        warehouse.execute("CREATE TABLE core.sold AS SELECT * FROM given")


def test_what_goes_in_comes_out_to_the_bit(warehouse: Warehouse) -> None:
    hold(warehouse)

    found = warehouse.frame("SELECT * FROM core.sold")

    assert_frame_equal(found, SOLD, check_row_order=False, check_exact=True)
    assert warehouse.has("core", "sold")
    assert not warehouse.has("core", "given"), "a relation is there for its block only"


def test_money_stays_exact(warehouse: Warehouse) -> None:
    warehouse.execute("CREATE TABLE core.paid (amount DECIMAL(12, 2))")
    warehouse.execute("INSERT INTO core.paid VALUES (0.10), (0.20), (9999999999.99), (NULL)")

    amounts = warehouse.frame("SELECT amount FROM core.paid")["amount"]

    assert amounts.dtype.is_decimal()
    assert set(amounts) == {Decimal("0.10"), Decimal("0.20"), Decimal("9999999999.99"), None}
    assert warehouse.scalar("SELECT sum(amount) FROM core.paid") == Decimal("10000000000.29")


def test_parameters_come_by_order_or_by_name_and_a_string_is_no_parameter(
    warehouse: Warehouse,
) -> None:
    [row] = warehouse.rows(
        "SELECT '?' AS a, CAST(? AS INTEGER) AS b, '$x' AS \"c?\", ? AS d -- and ? no more",
        [7, "é'"],
    )
    assert row == ("?", 7, "$x", "é'")
    named = "SELECT $word, $day + 1, CAST($nothing AS INTEGER) IS NULL, $word"
    given = {"day": date(2024, 2, 28), "word": "w", "nothing": None}
    assert warehouse.rows(named, given) == [("w", date(2024, 2, 29), True, "w")]


def test_what_is_kept_is_replaced_and_is_gone_when_the_warehouse_is_closed(
    tmp_path: Path, postgres_dsn: str
) -> None:
    with PostgresWarehouse(postgres_dsn) as opened:
        for days in ([date(2024, 1, 1)], [date(2024, 1, 1), date(2024, 1, 8)]):
            opened.keep("days", "SELECT unnest(CAST($days AS DATE[])) AS day", {"days": days})
            assert opened.rows("SELECT day FROM days ORDER BY day") == [(day,) for day in days]
    with PostgresWarehouse(postgres_dsn) as opened:
        assert (
            opened.rows("SELECT * FROM information_schema.tables WHERE table_name = 'days'") == []
        )


def test_a_transaction_that_fails_leaves_nothing(warehouse: Warehouse) -> None:
    hold(warehouse)

    def fail_halfway() -> None:
        with warehouse.transaction():
            warehouse.execute("DELETE FROM core.sold")
            assert warehouse.scalar("SELECT count(*) FROM core.sold") == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()

    assert warehouse.scalar("SELECT count(*) FROM core.sold") == SOLD.height
    with warehouse.transaction():
        warehouse.execute("DELETE FROM core.sold")
    assert warehouse.scalar("SELECT count(*) FROM core.sold") == 0


def test_a_transaction_in_which_a_statement_failed_does_not_pretend_to_commit(
    warehouse: Warehouse,
) -> None:
    hold(warehouse)

    def pass_over_the_failure() -> None:
        with warehouse.transaction():
            warehouse.execute("DELETE FROM core.sold")
            with suppress(Exception):
                warehouse.execute("INSERT INTO core.unknown VALUES (1)")

    with pytest.raises(Exception, match="abort"):
        pass_over_the_failure()

    assert warehouse.scalar("SELECT count(*) FROM core.sold") == SOLD.height
    with warehouse.transaction():
        warehouse.execute("DELETE FROM core.sold")
    assert warehouse.scalar("SELECT count(*) FROM core.sold") == 0


def test_an_exported_table_holds_the_same_values_on_every_engine(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    hold(warehouse)
    warehouse.execute(
        "CREATE VIEW core.shown AS SELECT *, CAST(units AS DECIMAL(18, 2)) AS money,"
        " CAST(sold_on AS TIMESTAMP) AS sold_at FROM core.sold"
    )
    target = tmp_path / "o'duka.parquet"

    warehouse.export("core", "shown", target=target)

    found = pl.read_parquet(target)
    assert found.schema["money"] == pl.Decimal(18, 2)
    assert found.schema["sold_at"] == pl.Datetime("us")
    assert_frame_equal(found.select(SOLD.columns), SOLD, check_row_order=False, check_exact=True)
    assert found["money"].to_list() == found["units"].to_list()


def test_an_empty_view_is_exported_with_its_columns(warehouse: Warehouse, tmp_path: Path) -> None:
    hold(warehouse, SOLD.clear())

    warehouse.export("core", "sold", target=tmp_path / "sold.parquet")

    assert pq.read_schema(tmp_path / "sold.parquet").names == SOLD.columns


def test_one_pipeline_at_a_time_has_the_database_open(postgres_dsn: str) -> None:
    with PostgresWarehouse(postgres_dsn), pytest.raises(TryAgain) as refused:
        PostgresWarehouse(postgres_dsn)

    assert refused.value.exit_code == 75
    assert "in use by another pipeline" in refused.value.message
    with PostgresWarehouse(postgres_dsn) as opened:
        assert opened.scalar("SELECT 1") == 1


def test_who_only_reads_waits_for_no_pipeline_and_can_write_nothing(postgres_dsn: str) -> None:
    with pytest.raises(TryAgain, match="holds nothing yet"):
        PostgresWarehouse(postgres_dsn, to_read=True)

    with (
        PostgresWarehouse(postgres_dsn) as working,
        PostgresWarehouse(postgres_dsn, to_read=True) as reading,
    ):
        with working.transaction():
            working.execute("CREATE TABLE raw.sold (units INTEGER)")
            assert not reading.has("raw", "sold")
        assert reading.scalar("SELECT count(*) FROM raw.sold") == 0
        with pytest.raises(Exception, match="read-only"):
            reading.execute("DELETE FROM raw.batches")


def test_a_table_that_somebody_holds_is_an_error_to_try_again(postgres_dsn: str) -> None:
    with PostgresWarehouse(postgres_dsn) as opened, adbc.connect(postgres_dsn) as other:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE raw.batches IN ACCESS EXCLUSIVE MODE")
        opened.execute("SET lock_timeout = '50ms'")

        with pytest.raises(TryAgain, match="another session holds a table"):
            opened.scalar("SELECT count(*) FROM raw.batches")


def test_a_commit_that_fails_leaves_nothing_and_the_session_works_on(postgres_dsn: str) -> None:
    with PostgresWarehouse(postgres_dsn) as opened:
        # such a rule is looked at when the transaction commits
        opened.execute("CREATE TABLE raw.once (a INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED)")

        def commit_twins() -> None:
            with opened.transaction():
                opened.execute("INSERT INTO raw.once VALUES (1), (1)")

        with pytest.raises(Exception, match="once_a_key"):
            commit_twins()

        assert opened.scalar("SELECT count(*) FROM raw.once") == 0
        with opened.transaction():
            opened.execute("INSERT INTO raw.once VALUES (1)")
    with PostgresWarehouse(postgres_dsn) as opened:
        assert opened.scalar("SELECT count(*) FROM raw.once") == 1


def end_session(dsn: str, warehouse: PostgresWarehouse) -> None:
    pid = warehouse.scalar("SELECT pg_backend_pid()")
    with adbc.connect(dsn, autocommit=True) as other, other.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend({pid}, 5000)")


@pytest.mark.parametrize("moment", ["a query", "a transaction", "a COPY", "the commit"])
def test_a_server_that_goes_away_is_an_error_to_try_again(postgres_dsn: str, moment: str) -> None:
    secret = make_dsn(postgres_dsn, password="s3cret")  # noqa: S106

    def work(opened: PostgresWarehouse) -> None:
        if moment == "a query":
            end_session(secret, opened)
            opened.rows("SELECT 1")
        with opened.transaction():
            opened.execute("INSERT INTO platform.built VALUES ('a', 'b')")
            if moment != "a COPY":
                end_session(secret, opened)
            if moment == "a transaction":
                opened.execute("DELETE FROM platform.built")
            if moment == "a COPY":
                with opened.relation("given", SOLD):
                    end_session(secret, opened)

    with (
        pytest.raises(TryAgain, match=r"connection to the warehouse .* was lost") as refused,
        PostgresWarehouse(secret) as opened,
    ):
        work(opened)

    assert refused.value.exit_code == 75
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))
    with PostgresWarehouse(secret) as again:
        assert again.scalar("SELECT count(*) FROM platform.built") == 0


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://amina:s3cret@127.0.0.1:1/duka",
        "postgresql://amina:s3cret@127.0.0.1:port/duka",
        "postgresql://amina:s3cret@127.0.0.1/duka?s3cret=1",
        "host=127.0.0.1 port=1 password=s3cret",
        "s3cret",
    ],
)
def test_a_password_is_in_no_error(dsn: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        PostgresWarehouse(dsn)

    assert refused.value.next_step
    assert "s3cret" not in f"{refused.value.message} {refused.value.next_step}"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_user_whom_the_server_does_not_know_is_told_so(postgres_dsn: str) -> None:
    stranger = make_dsn(postgres_dsn, user="nobody", password="s3cret")  # noqa: S106

    with pytest.raises(ConfigurationError, match='role "nobody" does not exist'):
        PostgresWarehouse(stranger)


def test_an_address_is_read_in_both_of_its_forms() -> None:
    parts = {"host": "db", "port": "5433", "user": "amina", "password": "p@ss", "dbname": "duka"}

    assert read_dsn("postgresql://amina:p%40ss@db:5433/duka") == parts
    assert read_dsn("host=db port=5433 user=amina password=p@ss dbname=duka") == parts
