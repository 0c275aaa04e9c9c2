"""A new workspace: a company's repository, whole or not there at all."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.policy import parse
from ghala.contracts.settings import SETTINGS_FILE, Company, Settings, Storage, Workspace
from ghala.warehouse.repository import require_identity
from ghala.warehouse.scaffolding import render
from ghala.warehouse.snapshots import start_versioning

TEMPLATE = Path(__file__).parents[1] / "templates" / "workspace"
DEMO_SCIENTIST = "amani (demo data scientist)"
DEMO_APPROVER = "zawadi (demo approver)"
APPROVER = "approver"
_DEMO_IDENTITY = {"user.name": "ghala demo", "user.email": "demo@ghala.invalid"}
_FOLDER = "workspace"


class TomlStrings(Extension):
    """Gives the template the filter ``toml``, so that any text makes a valid TOML string."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["toml"] = toml_string


def toml_string(text: str) -> str:
    """A TOML basic string: JSON's escapes, and the one character more that TOML forbids raw."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def is_workspace(path: Path) -> bool:
    """Whether ``path`` itself is the root of a workspace."""
    return (path / SETTINGS_FILE).is_file()


def create_workspace(
    path: Path,
    *,
    company: Company,
    sources: Sequence[str],
    use_cases: Sequence[str],
    storage: Storage | None = None,
) -> Workspace:
    """Make a workspace at ``path``; one that is already there is returned untouched.

    Everything is made in a hidden folder beside ``path`` and moved into place at the end, so a
    killed call leaves nothing at ``path``; the next call removes what it left beside it.

    Args:
        path: a folder that is empty or not there yet.
        company: whose it is; a demo names two demo people, and commits as "ghala demo" where
            Git knows nobody.
        sources: names of the sources to read.
        use_cases: names of the use cases to run, ``unit/name``.
        storage: a team's; with it the profile ``team`` is in force.

    Raises:
        ConfigurationError: the folder holds something else or cannot be written, a value is not
            allowed, or Git is missing or does not know who commits.
    """
    root = path.expanduser().resolve()
    if is_workspace(root):
        _sweep(root)
        return Workspace(root)
    _require_room(root)
    _check({"company": company, "sources": sources, "use_cases": use_cases}, root)
    shown = {"name": company.name, "currency": company.currency, "timezone": company.timezone}
    roles = sorted({f"{name.split('/')[0]}_approver" for name in use_cases})
    lists = {
        "sources": ",".join(sources), "use_cases": ",".join(use_cases), "roles": ",".join(roles),
    }  # fmt: skip
    team = {"storage": storage.url, "endpoint": storage.endpoint or ""} if storage else {}
    with _partial_folder(root) as partial:
        staged = partial / _FOLDER
        staged.mkdir()
        _git(staged, "init", "--quiet", "--initial-branch", "main")
        people = _identify(staged, demo=company.demo)
        _render(
            partial, {**shown, **lists, **people, **team, "demo": "yes" if company.demo else "no"}
        )
        _furnish(Workspace(staged))
        _move(staged, root)
    return Workspace(root)


def read_company(name: str, *, currency: str, timezone: str) -> Company:
    """The company as a person named it.

    Raises:
        ConfigurationError: a value is not allowed; nothing was made.
    """
    values = {"name": " ".join(name.split()), "currency": currency, "timezone": timezone}
    try:
        return parse(Company, values, Path(SETTINGS_FILE))
    except ConfigurationError as error:
        raise ConfigurationError(error.message, "Give another value; nothing was made.") from error


def read_storage(url: str, endpoint: str | None = None) -> Storage:
    """A team's bucket as a person named it.

    Raises:
        ConfigurationError: it is no address; nothing was made.
    """
    try:
        return parse(Storage, {"url": url.rstrip("/"), "endpoint": endpoint}, Path(SETTINGS_FILE))
    except ConfigurationError as error:
        raise ConfigurationError(
            error.message, "Write s3://BUCKET/FOLDER, and https://HOST for an endpoint."
        ) from error


def _require_room(root: Path) -> None:
    around = next((folder for folder in root.parents if is_workspace(folder)), None)
    if around:
        raise ConfigurationError(
            f"{root} lies inside the workspace {around}.", "Name a folder outside of it."
        )
    if not root.exists():
        return
    if not root.is_dir():
        raise ConfigurationError(
            f"{root} is a file, not a folder.", "Name a folder that is empty or not there yet."
        )
    held = sorted(entry.name for entry in root.iterdir())
    if held:
        raise ConfigurationError(
            f"{root} is not empty and not a workspace: it holds {', '.join(held[:3])}"
            f"{' and more' if len(held) > 3 else ''}.",
            "Name a folder that is empty or not there yet; nothing was changed.",
        )


@contextmanager
def _partial_folder(root: Path) -> Iterator[Path]:
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        partial = root.with_name(f".{root.name}.{os.getpid()}.partial")
        partial.mkdir()
    except OSError as error:
        raise _unwritable(root, error) from error
    try:
        yield partial
    except OSError as error:
        raise _unwritable(root, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritable(root: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The workspace {root} cannot be written: {error.strerror or error}.",
        "Name a folder that you may write to, on a disk with room.",
    )


def _sweep(root: Path) -> None:
    """Remove what killed calls for the same folder left behind."""
    for left in root.parent.glob(f".{escape(root.name)}.*.partial"):
        process = left.name.split(".")[-2]
        if process.isdigit() and (int(process) == os.getpid() or not _runs(int(process))):
            shutil.rmtree(left, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _identify(staged: Path, *, demo: bool) -> dict[str, str]:
    """Who commits and who approves; Git is asked inside the repository that will use it."""
    try:
        require_identity(staged)
    except ConfigurationError:
        if not demo:
            raise
        for key, value in _DEMO_IDENTITY.items():
            _git(staged, "config", key, value)
    if demo:
        return {"data_scientist": DEMO_SCIENTIST, "approver": DEMO_APPROVER}
    return {"data_scientist": _git(staged, "config", "user.name"), "approver": APPROVER}


def _render(partial: Path, values: dict[str, str]) -> None:
    defaults = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    given = {**defaults, **values, "folder": _FOLDER, "version": version("ghala")}
    render(TEMPLATE, given, into=partial)


def _check(settings: dict[str, Any], root: Path) -> None:
    try:
        parse(Settings, settings, root / SETTINGS_FILE)
    except ConfigurationError as error:
        raise ConfigurationError(error.message, "Give another value; nothing was made.") from error


def _furnish(workspace: Workspace) -> None:
    workspace.landing.mkdir()
    workspace.inbox.mkdir()
    _make_keys(workspace)
    # DVC keeps a relative address relative to its own folder, so it outlives the move into place
    # and means the same in every clone.
    start_versioning(workspace, os.path.relpath(workspace.state / "dvc-remote"))


def _make_keys(workspace: Workspace) -> None:
    """A fresh key pair; the public half goes into Git too, so that anyone can verify."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    workspace.keys.mkdir(parents=True)
    workspace.keys.chmod(0o700)
    with os.fdopen(
        os.open(workspace.keys / "pipeline.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
    ) as stream:
        stream.write(private)
    shared = workspace.root / "keys"
    shared.mkdir(exist_ok=True)
    for folder in (workspace.keys, shared):
        (folder / "pipeline.pub").write_bytes(public)


def _move(staged: Path, root: Path) -> None:
    if not (root.exists() and (root.is_mount() or root.samefile(Path.cwd()))):
        staged.replace(root)
        return
    # Someone stands in the folder or a disk is mounted there, so it cannot be replaced. The file
    # that makes it a workspace goes last.
    for entry in sorted(staged.iterdir(), key=lambda entry: entry.name == SETTINGS_FILE):
        shutil.move(entry, root / entry.name)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise ConfigurationError("Git is not installed.", "Install git, then try again.") from error
    except subprocess.CalledProcessError as error:
        raise ConfigurationError(
            f"git {arguments[0]} failed in {folder}: {error.stderr.strip()}",
            "Mend Git's configuration, then try again.",
        ) from error
    return done.stdout.strip()
