"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``what`` it is like, of which ``setting``, the ``remedy``."""

    level: Level
    what: str
    setting: str = ""
    remedy: str = ""


def ok(what: str, setting: str = "") -> Finding:
    """As it should be."""
    return Finding("ok", what, setting)


def warning(what: str, setting: str, remedy: str) -> Finding:
    """It works, and not as well, or not as safely, as it could."""
    return Finding("warning", what, setting, remedy)


def fault(what: str, setting: str, remedy: str) -> Finding:
    """It does not work, or must not be served like this."""
    return Finding("fault", what, setting, remedy)
