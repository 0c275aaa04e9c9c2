"""Only what our own pipeline signed is ever loaded."""

from pathlib import Path
from typing import Any

from ghala.contracts.errors import Denied
from ghala.contracts.settings import Workspace

SIGNATURE = "model.sig"


def sign(workspace: Workspace, model: Path, signature: Path) -> None:
    """Sign every file of a model with the pipeline's key (OpenSSF model signing)."""
    from model_signing import signing

    key = workspace.keys / "pipeline.pem"
    signing.Config().use_elliptic_key_signer(  # type: ignore[no-untyped-call]
        private_key=str(key)
    ).set_hashing_config(_every_file()).sign(str(model), str(signature))


def verify(workspace: Workspace, model: Path, signature: Path) -> None:
    """Check a model against its signature before a byte of it is read.

    Raises:
        Denied: a file was changed, added or removed, or another key signed.
    """
    from model_signing import verifying

    key = workspace.public_key
    if not model.is_dir():
        raise Denied(
            f"{model} is not what the pipeline signed: it is missing.",
            "Restore it from a backup. Roll back, or train again.",
        )
    try:
        verifying.Config().use_elliptic_key_verifier(  # type: ignore[no-untyped-call]
            public_key=str(key)
        ).set_hashing_config(_every_file()).verify(str(model), str(signature))
    except Exception as error:
        raise Denied(
            f"{model} is not what the pipeline signed: {str(error)[:300]}",
            "Do not load it. Roll back, or train again.",
        ) from error


def _every_file() -> Any:
    """Hash every file; by default what Git calls its own is passed over, also in a model."""
    from model_signing import hashing

    config = hashing.Config()  # type: ignore[no-untyped-call]
    return config.set_ignored_paths(paths=[], ignore_git_paths=False)
