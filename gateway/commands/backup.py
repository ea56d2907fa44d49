"""`tallyway backup`: a running gateway writes a copy of itself to a file here."""

import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from gateway.operate.api_client import LOCAL, ApiError, Key, Remote, Url

CHUNK = 1 << 20


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the tar; must not exist.")],
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Copy the running installation: catalog and events, without the vault's key and without salts."""
    if file.exists():
        raise ApiError(f"{file} exists")
    draft = file.with_name(f".{file.name}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target, closing(Remote(url, key).download("/v1/backup")) as pieces:
            for piece in pieces:
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    typer.echo(
        f"{file}: {file.stat().st_size} bytes. Keep vault.key (or TALLYWAY_VAULT_KEY) elsewhere; it is not in it."
    )
