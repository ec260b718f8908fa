"""Where the value of a setting comes from: ``app.config``, else the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: WorkOS's libraries spell this setting in two ways; both are accepted.
ALIASES = {"WORKOS_COOKIE_SAME_SITE": "WORKOS_COOKIE_SAMESITE"}


@dataclass(frozen=True, slots=True)
class Found:
    """A value as it was given, under the name by which it was. As a text: what a fault begins
    with."""

    name: str
    source: Literal["app.config", "environment"]
    value: Any = field(repr=False)

    def __str__(self) -> str:
        return self.name if self.source == "app.config" else f"{self.name} (in the environment)"


def look_up(key: str, config: Mapping[str, Any], environ: Mapping[str, str]) -> Found | None:
    """The value of a setting; ``None`` when it has its default."""
    for name in (key, *(alias for alias, known in ALIASES.items() if known == key)):
        if config.get(name) is not None:
            return Found(name, "app.config", config[name])
        if name in environ:
            return Found(name, "environment", environ[name])
    return None
