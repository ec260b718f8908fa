"""Imports point downwards along the way of a request: what decides knows nothing of what asks."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "flask_workos_sessions"
ROOT = Path(__file__).parents[2] / PACKAGE

#: What a room or module may import of ours beside itself; all others follow the rules below.
ALLOWED: dict[str, set[str]] = {
    "session": {"lifetime", "session_record"},
    "session_record": set(),
    "lifetime": set(),
    "errors": set(),
    "validators": set(),
    "setting": set(),
    "lookup": set(),
    "page_settings": {"setting", "validators"},
    "event_settings": {"setting", "validators"},
    "settings": {
        *("conflicts", "errors", "event_settings", "lifetime", "lookup", "page_settings"),
        *("setting", "validators"),
    },
    "conflicts": {"settings"},  # its type
}
#: The parts at the bottom: they can be used, and tested, without an app and without a request.
PARTS = {
    *ALLOWED,
    *("memo", "workos", "tokens", "sealing", "coordination", "refresh", "stores"),
}
#: Only these know that there is a request at hand. A module that is in neither set stands between
#: the two: it brings parts together, and what it needs of a request it is given.
KNOW_REQUESTS = {
    *("extension", "assembly", "hooks", "blueprint", "views", "ui", "status", "events_command"),
    *("context", "guards", "passive_status", "refusals", "reports", "urls"),
    *("parts", "signals", "session_commands", "doctor_command"),  # look up the app at hand
}
#: What Flask and Werkzeug have that stands for the request or app at hand.
OF_THE_REQUEST = {
    "current_app",
    "g",
    "request",
    "session",
    "has_app_context",
    "has_request_context",
    "after_this_request",
    "url_for",
    "redirect",
    "abort",
}
DEVELOPMENT = {"local", "testing"}
#: The command line offers LocalWorkOS as `flask workos local`.
MAY_DEVELOP = DEVELOPMENT | {"cli"}

MODULES = sorted(ROOT.rglob("*.py"))


def _room(path: Path) -> str:
    """The first part of a module's name below the package: ``tokens``, or ``guards``."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def _imports(path: Path, source: str | None = None) -> Iterator[tuple[str, str]]:
    """Every ``(module, name)`` imported, wherever it stands; relative ones made absolute."""
    package = [PACKAGE, *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(source or path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def _rooms_used(path: Path, source: str | None = None) -> set[str]:
    """The rooms of ours that a module imports, except its own."""
    used = set()
    for module, name in _imports(path, source):
        parts = [*module.split("."), name]
        if parts[0] == PACKAGE and len(parts) > 1:
            used.add(parts[1] or PACKAGE)
    return used - {_room(path)}


def _uses_the_request(path: Path, source: str | None = None) -> set[str]:
    found = set()
    for module, name in _imports(path, source):
        if module.split(".")[0] == "flask" and (name in OF_THE_REQUEST or not name):
            found.add(f"{module}.{name}" if name else module)
    return found


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT.parent))


@pytest.mark.parametrize("path", MODULES, ids=_shown)
def test_imports_point_downwards(path: Path) -> None:
    room, used = _room(path), _rooms_used(path)
    if room in ALLOWED:
        assert used <= ALLOWED[room]
    if room in PARTS:
        assert used <= PARTS
    if room not in KNOW_REQUESTS | MAY_DEVELOP | {"__init__"}:
        assert not used & (KNOW_REQUESTS - {"signals"})
        assert not _uses_the_request(path)
    if room not in MAY_DEVELOP:
        assert not used & DEVELOPMENT


def test_the_way_of_a_request_is_reached_only_by_what_knows_requests() -> None:
    """Sealing, tokens and the wire do not know each other: ``opening`` brings them together."""
    kept = {"session", "session_record"}
    alone = {"sealing": kept, "tokens": set(), "workos": kept}
    for path in MODULES:
        if _room(path) in alone:
            assert _rooms_used(path) <= alone[_room(path)] | {"errors"}, _shown(path)


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("from ..guards import login_required", "guards"),
        ("from .. import guards", "guards"),
        ("import flask_workos_sessions.guards", "guards"),
        ("from flask_workos_sessions.guards import public", "guards"),
        ("def later():\n    from ..guards import public", "guards"),
        ("from . import claims", None),
    ],
)
def test_the_reader_of_imports_sees_every_form(source: str, room: str | None) -> None:
    path = ROOT / "tokens" / "sample.py"
    assert _rooms_used(path, source) == ({room} if room else set())


def test_the_reader_of_imports_sees_the_request() -> None:
    path = ROOT / "tokens" / "sample.py"
    assert _uses_the_request(path, "from flask import request")
    assert _uses_the_request(path, "from flask.globals import current_app")
    assert _uses_the_request(path, "import flask")
    assert not _uses_the_request(path, "from werkzeug.exceptions import HTTPException")


def test_importing_the_package_loads_nothing_that_is_for_development() -> None:
    code = (
        f"import sys, {PACKAGE}; "
        f"print([m for m in sys.modules if m.startswith(('{PACKAGE}.local', '{PACKAGE}.testing'))"
        " or m in ('pytest', 'hypothesis')])"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.strip() == "[]"
