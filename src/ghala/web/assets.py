"""Files that browsers may keep for ever: their address holds the digest of their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from flask import Response, abort

_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Assets:
    """The console's own files, by the name under which they are served."""

    contents: Mapping[str, bytes]
    addresses: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read every file of a folder once."""
        contents, addresses = {}, {}
        for file in sorted(folder.iterdir()):
            content = file.read_bytes()
            served = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
            contents[served] = content
            addresses[file.name] = f"/static/{served}"
        return cls(contents, addresses)

    def serve(self, name: str) -> Response:
        """Answer with one file; only the names read at the start exist."""
        if name not in self.contents:
            abort(404)
        response = Response(self.contents[name], content_type=_TYPES[Path(name).suffix])
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
