"""Our script and style sheets, under names that carry a hash of what is in them.

Such a name never changes its content, so that browsers may keep it for ever; an upgraded package
has other names.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from importlib.resources import files

_MIMETYPES = {"js": "text/javascript", "css": "text/css"}
_HASH_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file: its bytes, its type without a charset (it is UTF-8), its entity tag."""

    body: bytes = field(repr=False)
    mimetype: str
    etag: str


def asset_name(name: str) -> str:
    """The name that is served: ``session.js`` → ``session.<hash>.js``.

    :raises KeyError: when there is no such file.
    """
    return _names()[name]


def find_asset(name: str) -> Asset | None:
    """The file of a name that :func:`asset_name` gave, or ``None``.

    The name of another version has no answer: ours would then be kept for ever under it.
    """
    return _assets().get(name)


@functools.cache
def _assets() -> dict[str, Asset]:
    found = {}
    for file in files("flask_workos_sessions.ui").joinpath("static").iterdir():
        stem, _, ending = file.name.rpartition(".")
        if ending in _MIMETYPES:
            body = file.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:_HASH_LENGTH]
            found[f"{stem}.{digest}.{ending}"] = Asset(body, _MIMETYPES[ending], digest)
    return found


@functools.cache
def _names() -> dict[str, str]:
    names = {}
    for served in _assets():
        stem, _, ending = served.split(".")
        names[f"{stem}.{ending}"] = served
    return names
