"""What may be shown of a value (security T2): never a secret, a token, a password or an e-mail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

MASK = "***"
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+")
_TOKEN = re.compile(r"eyJ[\w-]{8,}[\w.-]*|\b(?:sk|whsec)_\w{6,}")
#: A secret that is shorter may be a word, and is no secret.
_SHORTEST = 12


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without what looks like a secret, and without these: a value may stand in the wrong
    setting."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return _EMAIL.sub(MASK, _TOKEN.sub(MASK, text))


def show(value: Any, *, secret: bool) -> str:
    """A checked value, as it would be written."""
    if secret:
        return MASK
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def show_url(url: str) -> str:
    """A Redis URL without the person, the password, and options, which may hold them too."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return MASK
    who = f"{MASK}@" if parts.username or parts.password else ""
    return f"{parts.scheme}://{who}{host}{'' if port is None else f':{port}'}{parts.path}"
