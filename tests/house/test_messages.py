"""What goes wrong says what, where and what to do; docs/troubleshooting.md has all of it."""

from __future__ import annotations

import ast
import importlib.util
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask

from flask_workos_sessions import WorkOSSessions, testing, validators, web_server
from flask_workos_sessions.conflicts import store_conflicts
from flask_workos_sessions.coordination.breaker import Wording
from flask_workos_sessions.errors import SessionsUnavailable
from flask_workos_sessions.local.webhook import check_address
from flask_workos_sessions.parts import current_parts
from flask_workos_sessions.settings import Settings, read_settings
from flask_workos_sessions.tokens.refusals import ClockSkewed, KeyUnknown
from flask_workos_sessions.views.pages import _PROBLEMS, problem_page
from flask_workos_sessions.web_server import push_conflicts
from flask_workos_sessions.workos.event_page import EventsRefused

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "flask_workos_sessions"
MODULES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")


def table_under(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the page."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    assert section is not None, f"there is no heading {heading!r}"
    lines = [line for line in section[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def calls_of(*names: str) -> Iterator[ast.Call]:
    """Every call in the package of a function or class that has one of these names."""
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield node


def constants_of(tree: ast.Module) -> dict[str, str]:
    """The texts that have a name in a module."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


# The log.

LEVELS = {"warning": "WARNING", "error": "ERROR", "exception": "ERROR", "log": "ERROR or WARNING"}
QUIET = {"debug", "info", "getChild", "isEnabledFor"}


class Line(NamedTuple):
    """A line of the log; ``…`` stands for what differs from time to time."""

    place: str
    level: str
    text: str

    @property
    def beginning(self) -> str:
        """What one searches for: up to the first thing that differs, or a whole clause."""
        return re.split(r" ?\(?…| ?'…|[.:;] ", self.text)[0].rstrip(" :.")


def _text(node: ast.expr, constants: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _wordings() -> list[dict[str, str]]:
    """How each store is called in the lines about it."""
    found = []
    for tree in MODULES.values():
        constants = constants_of(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Wording":
                texts = [_text(each, constants) or "" for each in node.args]
                assert all(texts), ast.unparse(node)
                found.append(dict(zip(Wording._fields, texts, strict=True)))
    return found


def _shown(template: str, given: list[ast.expr], words: Mapping[str, str]) -> str:
    pieces = re.split(r"%[-.\d]*[a-z]", template)
    values = [
        words[each.attr]
        if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self._wording"
        else "…"
        for each in given
    ]
    assert len(pieces) == len(values) + 1, template
    return "".join(a + b for a, b in zip(pieces, [*values, ""], strict=True))


def _is_logger(node: ast.expr) -> bool:
    return ast.unparse(node) == "log" or ast.unparse(node).endswith(".logger")


def _found_lines() -> list[Line]:
    lines = []
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            if not _is_logger(node.func.value) or name in QUIET:
                continue
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            assert name in LEVELS, f"{place}: {name}"
            first, *given = node.args[1:] if name == "log" else node.args
            template = _text(first, constants_of(tree))
            assert template is not None, f"{place}: the text is not to be found"
            assert not template.startswith("%"), f"{place}: nothing to search for"
            of_stores = any(ast.unparse(each).startswith("self._wording.") for each in given)
            lines += [
                Line(place, LEVELS[name], _shown(template, given, words))
                for words in (_wordings() if of_stores else [{}])
            ]
    return lines


LINES = _found_lines()


def rows_of(level: str) -> list[str]:
    return [row[0].strip("`") for row in table_under(level)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.place}-{line.beginning[:40]}")
def test_every_line_of_the_log_is_explained(line: Line) -> None:
    rows = [row for level in ("ERROR", "WARNING") if level in line.level for row in rows_of(level)]
    assert [row for row in rows if row.startswith(line.beginning) and line.text.startswith(row)]


@pytest.mark.parametrize("level", ["ERROR", "WARNING"])
def test_every_line_that_is_explained_exists(level: str) -> None:
    rows = table_under(level)
    assert rows
    for row in rows:
        assert len(row) == 3, row
        assert all(row), row
        begun = row[0].strip("`")
        of_level = [line for line in LINES if level in line.level]
        assert [line for line in of_level if line.text.startswith(begun)], begun


def test_the_lines_are_found() -> None:
    assert len(LINES) > 35
    assert {"ERROR", "WARNING", "ERROR or WARNING"} == {line.level for line in LINES}
    assert min(len(line.beginning) for line in LINES) > 14


def test_every_logger_is_known_by_its_name() -> None:
    """Or the lines of one would not be looked for."""
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and "getLogger(" in ast.unparse(node.value):
                assert ast.unparse(node) == "log = logging.getLogger('flask_workos_sessions')", path
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "warnings.warn")


_SECRET = re.compile(r"(access|refresh)_token|cookie(?!_name)|password|secret|verifier\b|api_key")


def test_security_t2_no_line_is_given_what_is_secret() -> None:
    """At any level. What ``name()`` makes of a token is a hash of its session's id."""
    found = 0
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if _is_logger(node.func.value):
                found += 1
                given = ", ".join(ast.unparse(each) for each in node.args[1:])
                named = re.sub(r"\.name\([\w.]+\)", "", given)
                assert not _SECRET.search(named), f"{path}:{node.lineno}: {named}"
    assert found > 40


# The settings.

GOOD = {
    "WORKOS_API_KEY": "sk_test_1",
    "WORKOS_CLIENT_ID": "client_1",
    "WORKOS_COOKIE_PASSWORD": secrets.token_urlsafe(48),
    "WORKOS_REDIRECT_URI": "https://app.acme.test/auth/callback",
}
HTTP = "http://localhost/auth/callback"
HTTPS = "https://app.acme.test/auth/callback"
#: Settings that cannot work, so that every fault comes up once.
WRONG: list[dict[str, object]] = [
    dict.fromkeys(GOOD),
    {"WORKOS_API_KEY": "client_01ABC", "WORKOS_CLIENT_ID": "sk_live_abcdef"},
    {"WORKOS_API_KEY": " ", "WORKOS_CLIENT_ID": " client_1"},
    {"WORKOS_COOKIE_PASSWORD": "too-short-0f3a"},
    {"WORKOS_COOKIE_PASSWORD": "your-cookie-password-at-least-32-characters"},
    {"WORKOS_COOKIE_SECURE": 3, "WORKOS_UI_WARN": "soon", "WORKOS_COOKIE_MAX_AGE": 0},
    {"WORKOS_UI_POLL": 4, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 30},
    {"WORKOS_UI_PUSH_STREAMS": 0, "WORKOS_EVENTS_TYPES": ["sso"]},
    {"WORKOS_PROTECTED_PATHS": "[/app", "WORKOS_PUBLIC_PATHS": 7},
    {"WORKOS_PROTECTED_PATHS": ["app/*"], "WORKOS_PUBLIC_PATHS": ["/a,/b"]},
    {"WORKOS_COOKIE_DOMAIN": "acme", "WORKOS_COOKIE_SAMESITE": "strict"},
    {"WORKOS_COOKIE_SAMESITE": "some"},
    {"WORKOS_BASE_URL": "api.workos.com", "WORKOS_REDIRECT_URI": "http://app.acme.test/"},
    {"WORKOS_BASE_URL": "https://a.test/?b", "WORKOS_URL_PREFIX": "auth/"},
    {"WORKOS_SIGN_IN_RETURN_TO": "//a.test", "WORKOS_SIGN_OUT_RETURN_TO": "bye"},
    {"WORKOS_CACHE_TYPE": "FileSystemCache", "WORKOS_CACHE_DIR": "state"},
    {"WORKOS_CACHE_REDIS_URL": "http://:0f3a@cache"},
    {"WORKOS_CACHE_TYPE": "redis"},
    {"WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_REDIS_URL": "redis://:0f3a@cache"},
    {"WORKOS_CACHE_TYPE": "memory", "WORKOS_REVOCATION_REQUIRED": True},
    {"WORKOS_CACHE_THRESHOLD": 1, "WORKOS_PROTECT_AL": True, "WORKOS_QQQQ": 1},
    {"WORKOS_REDIRECT_URI": [HTTPS, HTTP]},
    {"WORKOS_REDIRECT_URI": "https://app.acme.test/elsewhere"},
    {"WORKOS_REDIRECT_URI": HTTP, "WORKOS_COOKIE_SECURE": True},
    {"WORKOS_COOKIE_SECURE": False},
    {"WORKOS_WEBHOOK_SECRET_FALLBACKS": ["whsec_0f3a"]},
    {"WORKOS_REDIRECT_URI": HTTP, "WORKOS_COOKIE_SAMESITE": "none"},
    {"WORKOS_COOKIE_NAME": "__Host-a", "WORKOS_COOKIE_DOMAIN": "acme.test"},
    {"WORKOS_COOKIE_NAME": "__Secure-a", "WORKOS_REDIRECT_URI": HTTP},
    {"WORKOS_COOKIE_NAME": "a b"},
]
#: What somebody has to do, or what the value has to be.
REMEDY = re.compile(
    r"\b(must|use|leave|remove|install|copy|choose|needs|there are|did you mean|makes one)\b"
    r"|(?<!is )\bset\b",
    re.IGNORECASE,
)


def _of_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # no Redis client
    for wrong in WRONG:
        given = {**GOOD, **wrong}
        yield from read_settings(given, {})[1]
    yield from read_settings({**GOOD, "WORKOS_UI_SHOW": None}, {"WORKOS_UI_SHOW": "often"})[1]


def _of_the_store() -> Iterator[str]:
    given = _settings(session_store="cache", cache_type="memory")
    yield from store_conflicts(given, given=True, testing=False)
    yield from store_conflicts(given, given=False, testing=False)


def _of_push(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(web_server, "has_green_threads", lambda: False)
    monkeypatch.setattr(web_server, "is_sync_gunicorn", lambda: True)
    yield from push_conflicts(_settings(ui_push="sse"))
    monkeypatch.setattr(web_server, "is_sync_gunicorn", lambda: False)
    yield from push_conflicts(_settings(ui_push="sse"))
    for threads, streams in ((16, 16), (2, 4)):
        room = web_server._Room(threads, "--threads", web_server.THREADS_SHARE)
        monkeypatch.setattr(web_server, "_room", lambda room=room: room)
        yield from push_conflicts(_settings(ui_push="sse", ui_push_streams=streams))


def _settings(**given: Any) -> Settings:
    return Settings(api_key="sk", client_id="c", cookie_password="p", **given)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every fault that settings can have."""
    return [*_of_settings(monkeypatch), *_of_the_store(), *_of_push(monkeypatch)]


def _fragments() -> Iterator[tuple[str, str]]:
    """What the sources have of the texts of faults, with its place."""
    wanted = {
        "validators.py": None,
        "conflicts.py": None,
        "settings.py": {"read_settings", "_remedy", "_unknown"},
        "web_server.py": {"push_conflicts"},
    }
    for name, functions in wanted.items():
        for node in MODULES[PACKAGE / name].body:
            if not isinstance(node, ast.FunctionDef):
                continue
            if functions is not None and node.name not in functions:
                continue
            for each in ast.walk(node):
                if not isinstance(each, ast.Constant) or not isinstance(each.value, str):
                    continue
                if " " in each.value.strip() and each.value != ast.get_docstring(node):
                    yield f"{name}:{each.lineno}", each.value.strip()


def test_every_fault_of_a_setting_comes_up_here(faults: list[str]) -> None:
    told = "\n".join(faults)
    found = list(_fragments())
    assert len(found) > 50
    assert not [each for each in found if each[1] not in told]


def test_every_fault_names_its_setting_and_says_what_to_do(faults: list[str]) -> None:
    for fault in faults:
        assert re.match(r"WORKOS_[A-Z_]+\b", fault), fault
        assert REMEDY.search(fault), fault
        assert re.search(r"[.?]$", fault), fault


def test_security_s9_no_fault_repeats_a_secret(faults: list[str]) -> None:
    told = "\n".join(faults)
    for secret in ("0f3a", "abcdef", "your-cookie", GOOD["WORKOS_COOKIE_PASSWORD"]):
        assert secret not in told


@pytest.mark.parametrize(
    "silent",
    [
        "WORKOS_REDIRECT_URI mixes http and https: one kind of cookie serves one.",
        "WORKOS_WEBHOOK_SECRET_FALLBACKS is set and WORKOS_WEBHOOK_SECRET is not: there is none.",
        "WORKOS_COOKIE_NAME begins with __Secure-, and the cookie is not Secure.",
    ],
)
def test_a_fault_without_a_remedy_is_recognized(silent: str) -> None:
    assert not REMEDY.search(silent)


# Commands.

COMMAND_ERRORS = {"click.ClickException", "click.UsageError", "click.BadParameter"}


def _raised(function: Callable[..., object], *given: object) -> str:
    with pytest.raises((RuntimeError, ValueError)) as caught:
        function(*given)
    return str(caught.value)


def _without_the_extension() -> str:
    with Flask("bare").app_context():
        return _raised(current_parts)


#: What a command hands on of another error's, by where it does: every text that this can have.
HANDED_ON: dict[tuple[str, str], Callable[[], list[str]]] = {
    ("events_command.py", "str(refused)"): lambda: [
        str(EventsRefused(status, "no")) for status in (400, 401, 403, 404, 422)
    ],
    ("events_command.py", "str(error)"): lambda: [_without_the_extension()],
    ("session_commands.py", "str(missing)"): lambda: [_without_the_extension()],
    ("session_commands.py", "str(SessionsUnavailable.description)"): lambda: [
        str(SessionsUnavailable.description)
    ],
    ("doctor_command.py", "f'It {invalid}.'"): lambda: [
        f"It {_raised(validators.url, wrong)}."
        for wrong in ("", " https://a.test", "https://[", "http://a.test", "https://a.test?b")
    ],
    ("local/command.py", "str(error)"): lambda: [
        _raised(check_address, wrong)
        for wrong in (
            "http://localhost/a b",
            "http://[",
            "http://localhost:99999",
            "https://a.test",
            "http://a@localhost",
            "http://localhost:0",
        )
    ],
}
COMMAND_REMEDY = re.compile(
    rf"{REMEDY.pattern}|\b(call|check|let the|name (one|the)|run (it|this) again|say --|such as"
    r"|try again)\b|`flask workos [\w ]+` (examines|shows|tells)",
    re.IGNORECASE,
)


def _told_by(node: ast.expr, constants: Mapping[str, str]) -> str | None:
    """A text as it stands in the sources; ``…`` stands for what differs."""
    if not isinstance(node, ast.JoinedStr):
        return _text(node, constants)
    pieces = []
    for each in node.values:
        value = each.value if isinstance(each, ast.FormattedValue) else each
        pieces.append(_text(value, constants) or "…")
    return "".join(pieces)


def _told_by_commands() -> Iterator[tuple[str, str]]:
    """Each text with which a command ends, and its place."""
    for path, tree in MODULES.items():
        name, constants = path.relative_to(PACKAGE).as_posix(), constants_of(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in COMMAND_ERRORS:
                place, given = f"{name}:{node.lineno}", node.args[0]
                handed_on = HANDED_ON.get((name, ast.unparse(given)))
                if handed_on is not None:
                    yield from ((place, text) for text in handed_on())
                    continue
                text = _told_by(given, constants)
                assert text is not None, f"{place}: the text is not to be found"
                yield place, text


def test_every_error_of_a_command_says_what_to_do() -> None:
    found = list(_told_by_commands())
    assert len(found) > 30
    for place, text in found:
        assert COMMAND_REMEDY.search(text), f"{place}: {text}"
        assert re.search(r"[.?…]$", text), f"{place}: {text}"


def test_no_other_way_to_end_a_command_with_a_text_is_used() -> None:
    """Or the texts of that would not be looked for."""
    for path, tree in MODULES.items():
        imported = [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "click"
            for alias in node.names
        ]
        assert not imported, path
        raised = {
            ast.unparse(node.exc.func)
            for node in ast.walk(tree)
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        }
        assert {each for each in raised if each.startswith("click.")} <= COMMAND_ERRORS, path
        ends = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not [each for each in ends if re.match(r"(sys\.exit|SystemExit)\([^\d)]", each)], (
            path
        )


@pytest.mark.parametrize(
    "silent",
    [
        "--everybody goes with nothing but --yes.",
        "The id of the session is empty.",
        "WorkOS knows nobody with the id user_1.",
        "WorkOS did not list events (timeout). The next run goes on from here.",
        "This person has no such session; it may be over. Nothing was ended.",
        "WorkOS refuses to list events (status 403): the key may not read events.",
    ],
)
def test_an_error_of_a_command_without_a_remedy_is_recognized(silent: str) -> None:
    assert not COMMAND_REMEDY.search(silent)


# Pages.

TEMPLATES = PACKAGE / "ui" / "templates" / "workos_sessions"
#: Those that are a part of another page, or the frame of all.
NO_PAGES = {"page.html", "problem.html", "ui.html", "ui_layout.html"}
_TITLE = re.compile(r'(?:title %}\s*{{ |title, text = |: \(|, \()_\("([^"]+)"\)')


def titles() -> set[str]:
    """The headings of every page of ours."""
    found = {problem.title for problem in _PROBLEMS.values()}
    for path in TEMPLATES.glob("[!_]*.html"):
        if path.name not in NO_PAGES:
            of_page = _TITLE.findall(path.read_text("utf-8"))
            assert of_page, path.name
            found |= set(of_page)
    return found


def test_every_page_that_people_can_land_on_is_explained() -> None:
    rows = table_under("Pages that people see")
    for row in rows:
        assert len(row) == 3, row
        assert all(row), row
    told = [row[0] for row in rows]
    assert sorted(told) == sorted(titles())


#: What the person can do.
WAY_ON = re.compile(
    r"\b(allow|ask|begin|choose|go|leave|load this page|look|open|sign in|try) \w", re.IGNORECASE
)


@pytest.mark.parametrize("word", _PROBLEMS)
def test_every_page_of_a_problem_says_what_to_do_and_leads_on(word: str) -> None:
    app = Flask("pages")
    app.config.update(testing.settings())
    WorkOSSessions(app)
    with app.test_request_context():
        shown = problem_page(word, 400).get_data(as_text=True)
    assert WAY_ON.search(_PROBLEMS[word].text)
    assert '<a class="workos-button' in shown
    assert "WORKOS_" not in shown or word == "session_too_large"


def test_a_problem_that_is_answered_has_a_page_of_its_own() -> None:
    words = {
        each.value
        for call in calls_of("_failed", "NotConfirmed", "problem_page")
        for each in call.args[:1]
        if isinstance(each, ast.Constant)
    }
    assert len(words) > 10
    assert words <= set(_PROBLEMS)


# Why something was refused.


def _reasons(*names: str) -> set[str]:
    return {
        str(each.value)
        for call in calls_of(*names)
        for each in call.args
        if isinstance(each, ast.Constant) and " " in str(each.value)
    }


def test_every_reason_to_refuse_an_access_token_is_explained() -> None:
    rows = table_under("What an access token has")
    told = {each for row in rows for each in re.findall("`([^`]+)`", row[0])}
    known = _reasons("InvalidToken") | {str(KeyUnknown()), str(ClockSkewed())}
    assert told == {re.split("[;:]", each)[0] for each in known}
    assert len(told) > 12


def test_every_reason_to_refuse_a_webhook_is_explained() -> None:
    rows = table_under("Webhooks are refused")
    told = " ".join(row[0] for row in rows)
    known = _reasons("SignatureRefused", "_refusal", "MalformedEvent")
    assert len(known) > 6
    for reason in known:
        assert f"`{reason}`" in told, reason
