"""The team's S3 bucket: does it answer, and what to do when it does not."""

from collections.abc import Iterator
from contextlib import contextmanager

from ghala.contracts.errors import ConfigurationError, GhalaError, TryAgain
from ghala.contracts.settings import Storage

_NO_BUCKET = {"NoSuchBucket", "404"}
_REFUSED = {
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "403",
}


def require_bucket(storage: Storage) -> None:
    """Ask the bucket for the list of its files, as every use of it begins.

    Raises:
        ConfigurationError: there is no such bucket, or the credentials are missing or refused.
        TryAgain: the server does not answer, or is too busy to.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
    try:
        client = boto3.Session().client("s3", endpoint_url=storage.endpoint, config=patience)
        client.list_objects_v2(Bucket=storage.bucket, MaxKeys=1)
    except (BotoCoreError, ClientError) as error:
        raise _explain(storage, error) from error


@contextmanager
def reaching(storage: Storage | None) -> Iterator[None]:
    """Move files to or from the bucket inside the block; without storage there is none.

    Raises:
        ConfigurationError, TryAgain: as above, before the block or for what the bucket said in it.
    """
    if storage is None:
        yield
        return
    require_bucket(storage)
    try:
        yield
    except Exception as error:
        said = _cause(error)
        if said is None:
            raise
        raise _explain(storage, said) from error


def _cause(error: BaseException | None) -> Exception | None:
    """What S3 said, below what DVC or MLflow made of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    while error is not None and not isinstance(error, BotoCoreError | ClientError):
        error = error.__cause__ or error.__context__
    return error


def _explain(storage: Storage, error: Exception) -> GhalaError:
    from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

    place = f"The bucket {storage.bucket} at {storage.endpoint or 'Amazon S3'}"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return ConfigurationError(
            f"{place} needs credentials, and the environment holds none.",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.",
        )
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in _NO_BUCKET:
        return ConfigurationError(
            f"{place} does not exist.", "Make it, or mend storage.url in ghala.toml."
        )
    if code in _REFUSED:
        return ConfigurationError(
            f"{place} refuses the credentials of the environment ({code}).",
            "Mend AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ask the bucket's owner for the"
            " right to list, read and write.",
        )
    return TryAgain(
        f"{place} does not answer ({code or type(error).__name__}).",
        "Check the endpoint in ghala.toml and the network, then run the command again.",
    )
