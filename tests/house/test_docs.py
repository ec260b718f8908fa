"""What docs/ says is so: its Python runs, its tables are complete, its links lead somewhere."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import fields
from functools import partial
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import flask_login
import pytest
from flask import Flask, render_template_string
from playwright.sync_api import sync_playwright
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

from examples.gallery import POLICY as GALLERY_POLICY
from examples.gallery import create_app as create_gallery
from flask_workos_sessions import (
    ActiveSession,
    Impersonator,
    Lifetime,
    Session,
    WorkOSSessions,
    errors,
    login_required,
    passive,
    signals,
    testing,
    validators,
)
from flask_workos_sessions.coordination.endings import REASONS
from flask_workos_sessions.doctor_command import doctor_command
from flask_workos_sessions.events_command import events_command
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.local.command import local_command
from flask_workos_sessions.local.faults import NAMED_FAULTS
from flask_workos_sessions.reactions import EVENT_TYPES, PASSWORD_RESET
from flask_workos_sessions.session import USER_FIELDS
from flask_workos_sessions.session_commands import sessions_group
from flask_workos_sessions.settings import _REQUIRED, PREFIX, Settings
from flask_workos_sessions.testing import fixtures
from flask_workos_sessions.ui.assets import asset_name, find_asset
from flask_workos_sessions.workos.authorize import AUTHORIZE_OPTIONS
from flask_workos_sessions.workos.events import Event, read_event

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^#+ (.*)$", re.M)
_FILE = re.compile(r"# ([\w/]+\.py)\n")


class Block(NamedTuple):
    """A fenced block, and the line on which its text begins."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, if its first line says so."""
        named = _FILE.match(self.text)
        return named[1] if named else None

    @property
    def whole(self) -> bool:
        """Whether it makes an app of its own."""
        return "Flask(__name__)" in self.text


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks_of(page: str, language: str) -> list[Block]:
    text = read(page)
    return [
        Block(page, text[: each.start("text")].count("\n") + 1, each["language"], each["text"])
        for each in _BLOCK.finditer(text)
        if each["language"] == language
    ]


def examples_of(page: str) -> list[list[Block]]:
    """The programs on a page: one that goes on from block to block, and those on their own."""
    running: list[Block] = []
    found = [running]
    for block in blocks_of(page, "python"):
        if block.file is not None:
            continue
        if block.whole and running:
            found.append([block])
        else:
            running.append(block)
    return [example for example in found if example]


EXAMPLES = [example for page in PAGES for example in examples_of(page)]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs an example in a folder and an environment of its own, with settings for no network."""

    def run(example, **settings):
        monkeypatch.chdir(tmp_path)
        for name, value in {**testing.settings(), **settings}.items():
            if name.startswith(PREFIX):
                text = value if isinstance(value, str) else json.dumps(value)
                monkeypatch.setenv(name, text)
        shown = ModuleType("shown")
        shown.__file__ = str(tmp_path / "shown.py")
        monkeypatch.setitem(sys.modules, "shown", shown)
        for block in example:
            # The lines of the page, so that a traceback leads there.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, str(DOCS / block.page), "exec"), vars(shown))
        return shown

    return run


@pytest.fixture
def clock():
    return MovableClock().freeze()


@pytest.fixture
def workos(clock):
    with LocalWorkOS(clock=clock, inactivity_timeout=1800) as local:
        yield local


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example[0]))
def test_every_python_block_runs(example, run):
    run(example)


def test_the_examples_are_found():
    found = sum(len(blocks_of(page, "python")) for page in PAGES)
    assert found == sum(read(page).count("```python") for page in PAGES)
    assert {"guide.md", "settings.md", "testing.md"} <= {each[0].page for each in EXAMPLES}


def block_after(page, language, text):
    """The first block of that language after a text."""
    rest = read(page).partition(text)[2]
    assert rest, f"{page} does not say {text!r}"
    found = re.search(rf"^```{language}\n(.*?)^```$", rest, re.M | re.S)
    assert found is not None
    return found[1]


# Settings.

_TYPES = {
    validators.text: "text",
    validators.password: "text",
    validators.passwords: "list",
    validators.texts: "list",
    validators.issuers: "list",
    validators.event_types: "list",
    validators.api_key: "text",
    validators.client_id: "text",
    validators.domain: "text",
    validators.path_patterns: "list",
    validators.urls: "URL or list of URLs",
    validators.base_url: "URL",
    validators.flag: "true or false",
    validators.seconds: "seconds",
    validators.positive_seconds: "seconds",
    validators.poll_seconds: "seconds",
    validators.inactivity_seconds: "seconds",
    validators.count: "number",
    validators.push: "`off` or `sse`",
    validators.activity: "`input` or `requests`",
    validators.on_end: "`overlay` or `replace`",
    validators.prefix: "path",
    validators.local_path: "path",
    validators.return_uri: "path or URL",
    validators.store: "`cookie` or `cache`",
    validators.cache_type: "`sqlite`, `redis` or `memory`",
    validators.redis_url: "URL",
    validators.directory: "path",
}
_SAMESITE = "`lax` or `none`"


def _shown_default(each):
    if each.name in _REQUIRED:
        return "required"
    if each.default in ("", (), None):
        return "unset"
    return f"`{json.dumps(each.default) if isinstance(each.default, str) else each.default}`"


def test_every_setting_is_there_with_its_type_default_and_meaning():
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in read("settings.md").splitlines()
        if line.startswith(f"| `{PREFIX}")
    ]
    for row in rows:
        assert len(row) == 5, row
        assert row[4].endswith("."), row
    told = {name: (kind, default, meaning) for name, kind, default, meaning, _ in rows}
    known = {
        f"`{PREFIX}{each.name.upper()}`": (
            _TYPES.get(each.metadata["check"], _SAMESITE),
            _shown_default(each),
            each.metadata["doc"],
        )
        for each in fields(Settings)
    }
    assert len(told) == len(rows), "a setting is there twice"
    assert told == known


def test_the_error_that_is_shown_is_the_real_one(run, capsys):
    run(examples_of("settings.md")[0])
    assert capsys.readouterr().out == block_after("settings.md", "text", "has four faults")


# Guide.

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
CALLERS = {
    "a page": NAVIGATION,
    "`fetch()`, XHR, JSON": SCRIPT,
    "htmx": {**SCRIPT, "HX-Request": "true"},
    "`EventSource`": {**SCRIPT, "Accept": "text/event-stream"},
}


def guide(number=0):
    return examples_of("guide.md")[number]


def section(page, heading):
    """The text under a heading, up to the next one."""
    taken, within, fenced = [], False, False
    for line in read(page).splitlines():
        fenced ^= line.startswith("```")
        if _HEADING.match(line) and not fenced:
            within = line.lstrip("# ") == heading
        elif within:
            taken.append(line)
    assert taken, f"{page} has no {heading!r}"
    return "\n".join(taken)


def table_of(text):
    """The cells of the only table in a text, its heading first."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def names_in(text):
    return re.findall(r"`(\w+)`", text)


def signed_in(app, **who):
    app.testing = True
    client = app.test_client()
    testing.login_as(client, **who)
    return client


def status(client, path, **keywords):
    return client.get(path, headers=NAVIGATION, **keywords).status_code


def test_the_guide_s_guards_let_in_whom_it_says(run):
    app = run(guide()).app
    member, owner = signed_in(app, role="member"), signed_in(app, role="owner")
    assert [status(member, path) for path in ("/reports", "/members")] == [200, 403]
    assert status(owner, "/members") == 200
    long_ago = signed_in(app, role="admin", permissions=["members:manage"], authenticated_at=1)
    gone = long_ago.post("/members/7/delete", headers=NAVIGATION)
    assert (gone.status_code, "options=" in gone.location) == (303, True)
    admin = signed_in(app, role="admin", permissions=["members:manage"])
    assert admin.post("/members/7/delete", headers=NAVIGATION).status_code == 200
    assert [status(admin, f"/documents/{who}") for who in ("user_test", "user_7")] == [200, 403]
    reader = signed_in(app, permissions=["documents:read_all"])
    assert status(reader, "/documents/user_7") == 200
    assert (
        member.get("/members", headers=NAVIGATION).text
        == "Ask for {&#39;role&#39;: [&#39;admin&#39;, &#39;owner&#39;]}."
    )


def test_the_guide_s_blueprint_is_protected_but_for_one_view(run):
    nobody = run(guide()).app.test_client()
    assert [status(nobody, path) for path in ("/billing/", "/billing/prices")] == [302, 200]


def test_the_guide_s_links_lead_to_the_sign_in(run):
    text = signed_in(run(guide()).app).get("/welcome").text
    assert re.match(
        r'<a href="/auth/login\?return_to=/reports">Reports</a> '
        r'<a href="/auth/login\?return_to=/reports&amp;options=[\w-]+">Acme</a>',
        text,
    )


def test_the_guide_s_nonce_is_on_the_script(run):
    app = run(guide()).app
    app.add_url_rule("/page", "page", app.view_functions["reports"])
    app.view_functions["page"] = login_required(lambda: "<body></body>")
    page = signed_in(app).get("/page", headers=NAVIGATION).text
    assert re.search(r'<script src="[^"]+" defer nonce="[\w-]+">', page)


def test_the_guide_s_own_user_object(run):
    app = run(guide(1)).app
    assert signed_in(app).get("/").text == "Tess, test@example.test"
    assert status(signed_in(app, user={"id": "user_unknown"}), "/") == 403


def test_the_guide_s_factory_makes_apps_of_their_own(run):
    shown = run(guide(2))
    assert shown.two.test_client().get("/account/session").status_code == 401
    assert shown.one.test_client().get("/account/session").status_code == 404
    with pytest.raises(RuntimeError):
        shown.sessions.init_app(shown.one)


def test_the_guide_s_switch_and_receiver_work_against_a_local_workos(run, workos):
    app = run(guide(), **workos.settings("http://localhost/auth/callback")).app
    client = app.test_client()
    begun = client.get("/auth/login", query_string={"return_to": "/reports"})
    chosen = f"{begun.location}&organization_id={workos.organization('Acme').id}"
    back = client.get(workos.approve(chosen, "carol@acme.test"), headers=NAVIGATION)
    assert back.location == "/reports"
    globex = workos.organization("Globex").id
    assert client.post(f"/go/{globex}", headers=SCRIPT).text == "You are admin here."
    workos.add_user("new@example.test", email_verified=False)
    other = app.test_client()
    begun = other.get("/auth/login")
    refused = other.get(workos.approve(begun.location, "new@example.test"), headers=NAVIGATION)
    assert refused.status_code == 403
    assert other.get("/auth/session", headers=SCRIPT).json["reason"] is None


def test_the_guide_s_devices_are_listed_and_ended(run, workos):
    app = run(guide(), **workos.settings("http://localhost/auth/callback")).app

    def sign_in(who="alice@acme.test"):
        client = app.test_client()
        begun = client.get("/auth/login")
        client.get(workos.approve(begun.location, who), headers=NAVIGATION)
        return client

    def ids(client):
        return re.findall(r'value="(\w+)"', client.get("/devices", headers=NAVIGATION).text)

    here, phone, laptop, bob = sign_in(), sign_in(), sign_in(), sign_in("bob@acme.test")
    assert "This device" in here.get("/devices", headers=NAVIGATION).text
    assert len(ids(here)) == 2
    foreign = {"session_id": workos.sessions[3].id}
    assert here.post("/devices/end", data=foreign, headers=SCRIPT).status_code == 404
    assert here.post("/devices/end", data={"session_id": ids(here)[0]}).status_code == 303
    assert [status(each, "/reports") for each in (phone, laptop, bob)] == [200, 303, 200]
    assert here.post("/devices/end-others").status_code == 303
    assert [status(each, "/reports") for each in (here, phone, bob)] == [200, 303, 200]
    bob_id = workos.user("bob@acme.test").id
    assert bob.post(f"/colleagues/{bob_id}/end", headers=SCRIPT).status_code == 403
    ended = here.post(f"/colleagues/{bob_id}/end", headers=SCRIPT)
    assert ended.text == "1 sessions ended."
    assert status(bob, "/reports") == 303
    workos.sign_in("carol@acme.test", "Globex")
    carol_id = workos.user("carol@acme.test").id
    ended = here.post(f"/colleagues/{carol_id}/end", headers=SCRIPT)
    assert ended.text == "0 sessions ended."


def test_the_guide_has_every_field_of_a_listed_session_and_every_way_to_end_one():
    told = section("guide.md", "End sessions from your app")
    assert {each.name for each in fields(ActiveSession)} <= set(names_in(told))
    named = {re.findall(r"sessions\.(\w+)\(", row[0])[0] for row in table_of(told)[1:]}
    assert named == {"list", "revoke", "revoke_user", "revoke_all"}


@pytest.mark.parametrize("page", PAGES)
def test_every_template_renders_for_somebody_and_for_nobody(page, run):
    app = run(guide()).app
    blocks = blocks_of(page, "html")
    for block in blocks:
        app.add_url_rule(
            f"/{block}",
            f"{block.language}{block.line}",
            partial(render_template_string, block.text),
        )
    for client in (signed_in(app, permissions=["members:manage"]), app.test_client()):
        for block in blocks:
            assert client.get(f"/{block}").status_code == 200, block


def test_the_table_of_refusals_is_what_is_answered(workos, clock):
    app = Flask("refusals")
    app.config.update(workos.settings("http://localhost/auth/callback"), TESTING=True)
    WorkOSSessions(app, clock=clock)
    for name, guard in {
        "open": login_required,
        "recent": login_required(max_age=60),
        "lacking": login_required(role="owner"),
    }.items():
        app.add_url_rule(f"/{name}", name, guard(lambda: "in"))
    app.add_url_rule("/poll", "poll", passive(login_required(lambda: "in")))

    def client_of(**who):
        client = app.test_client()
        testing.login_as(client, authenticated_at=int(clock()) - 300, **who)
        return client

    nobody, somebody, ended = app.test_client(), client_of(), client_of()
    ended.post("/auth/logout", headers=SCRIPT)
    stale = client_of(token_seconds=100)
    clock.advance(100)
    rows = {
        "never signed in": (nobody, "/open"),
        "the session has ended": (ended, "/open"),
        "not recent enough (`max_age`)": (somebody, "/recent"),
        "something is lacking": (somebody, "/lacking"),
        "passive, and the token has run out": (stale, "/poll"),
        "WorkOS does not answer": (stale, "/open"),
    }
    heading, *told = table_of(section("guide.md", "What a refused request gets"))
    assert [row[0] for row in told] == list(rows)
    assert heading[1:] == list(CALLERS)
    for row in told:
        client, path = rows[row[0]]
        for cell, headers in zip(row[1:], CALLERS.values(), strict=True):
            with workos.down():
                answer = client.get(path, headers=headers)
            if not cell[:3].isdigit():
                place = "/auth/signed-out" if "says why" in cell else "/auth/login"
                assert answer.location.startswith(place), row
            else:
                assert answer.status_code == int(cell[:3]), row
                assert answer.data.startswith(b"<!doctype") == ("page" in cell), row
            assert ("Retry-After" in answer.headers) == (answer.status_code == 503), row


@pytest.mark.parametrize("error", [403, HTTPException, errors.AccessDenied])
def test_only_a_handler_for_our_errors_replaces_our_answer(error):
    app = Flask("handlers")
    app.config.update(testing.settings())
    WorkOSSessions(app)
    app.add_url_rule("/", "home", login_required(role="admin")(lambda: "in"))
    app.register_error_handler(error, lambda refusal: ("the app's own", 403))
    heard = []
    receive = lambda sender, error: heard.append(error)  # noqa: E731
    signals.refused.connect(receive, app)
    answer = signed_in(app).get("/", headers=NAVIGATION)
    replaced = error is errors.AccessDenied
    assert (answer.text == "the app's own") == replaced
    assert len(heard) == 1


def test_a_template_of_the_app_replaces_ours(tmp_path):
    (tmp_path / "templates" / "workos_sessions").mkdir(parents=True)
    (tmp_path / "templates" / "workos_sessions" / "signed_out.html").write_text("Bye {{ reason }}")
    app = Flask("replaced", root_path=str(tmp_path))
    app.config.update(testing.settings())
    WorkOSSessions(app)
    answer = app.test_client().get("/auth/signed-out?reason=inactivity")
    assert answer.text == "Bye inactivity"


def test_the_guide_has_every_field_of_session_and_user():
    told = section("guide.md", "Who is signed in")
    named = {name for row in table_of(told)[1:] for name in names_in(row[0])}
    inner = {"ends", "warn", "clock", "token_expires_at"}
    assert named == {name for name in dir(Session()) if not name.startswith("_")} - inner
    assert set(USER_FIELDS) <= set(names_in(told))
    left = {each.name for each in fields(Lifetime)} - {"idle_in", "max_in"} | {"extendable"}
    assert left == set(re.findall(r"left\.(\w+)", told))


def test_the_guide_has_every_signal_with_its_arguments():
    source = Path(signals.__file__).read_text(encoding="utf-8")
    known = re.findall(r"#: ((?:``\w+``(?:, )?)+):(?:[^\n]*\n#)*[^\n]*\n(\w+) = _signals", source)
    told = [
        (names_in(row[0]), names_in(row[1])) for row in table_of(section("guide.md", "Signals"))[1:]
    ]
    assert told == [([name], re.findall(r"\w+", given)) for given, name in known]
    assert len(told) == 9


def test_the_guide_has_every_refusal_reason_and_option():
    told = set(names_in(section("guide.md", "What a refused request gets")))
    assert told >= set(errors.__all__) - {"ConfigurationError", "SessionTooLarge", "Refused"}
    assert set(names_in(section("guide.md", "Signals"))) >= REASONS
    options = re.search(r"^The options are (.*?);", read("guide.md"), re.M)
    assert names_in(options[1]) == sorted(AUTHORIZE_OPTIONS)


def test_the_status_that_the_guide_shows_has_the_real_fields():
    app = Flask("status")
    app.config.update(testing.settings())
    WorkOSSessions(app)
    real = signed_in(app).get("/auth/session", headers=SCRIPT).json
    assert json.loads(blocks_of("guide.md", "json")[0].text).keys() == real.keys()


# The end of a session.

END = "session-end.md"
SOURCE = (ROOT / "flask_workos_sessions" / "ui" / "source" / "session.js").read_text("utf-8")


def test_every_block_is_of_a_kind_that_is_tried():
    kinds = {"python", "html", "json", "sh", "text", "jinja", "css", "js"}
    for page in PAGES:
        assert {each["language"] for each in _BLOCK.finditer(read(page))} <= kinds, page


def test_the_properties_are_all_there():
    style = find_asset(asset_name("session.css")).body.decode()
    known = set(re.findall(r"var\((--workos-[\w-]+)", style))
    assert set(re.findall(r"`(--workos-[\w-]+)`", section(END, "Colours and fonts"))) == known
    for block in blocks_of(END, "css"):
        assert set(re.findall(r"(--[\w-]+):", block.text)) <= known


def test_a_piece_is_replaced_as_is_shown(tmp_path):
    for block in blocks_of(END, "jinja"):
        name = re.match(r"{# (templates/\S+) #}\n", block.text)
        path = tmp_path / name[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")
    app = Flask("replaced", root_path=str(tmp_path))
    app.config.update(testing.settings())
    WorkOSSessions(app)
    app.add_url_rule("/", "home", login_required(lambda: "<body></body>"))
    support = Impersonator("support@vendor.test", "Ticket 42")
    page = signed_in(app, impersonator=support).get("/", headers=NAVIGATION).text
    assert '<a href="/help" data-workos-when="ended">Get help</a>' in page
    assert "Stay signed in" in page
    assert "Viewing as" not in page


def test_the_blocks_of_our_templates_are_those_that_are_named():
    told = section(END, "Replace a piece")
    templates = ROOT / "flask_workos_sessions" / "ui" / "templates" / "workos_sessions"
    for name, sentence in (
        ("ui_layout.html", r"whose blocks are (.*?)\. Your"),
        ("_dialog.html", r"The dialog has the blocks (.*?):"),
    ):
        blocks = re.findall(r"{%-? block (\w+)", (templates / name).read_text("utf-8"))
        assert sorted(names_in(re.search(sentence, told)[1])) == sorted(blocks)


def test_the_attributes_and_words_are_those_of_the_script():
    told = section(END, "Replace a piece")
    rows = {row[0]: row[1] for row in table_of(told)[1:]}
    for name in re.findall(r"`data-workos-(\w+)", "".join(rows)):
        assert f"data-workos-{name}" in SOURCE or f'part("{name}")' in SOURCE, name
    actions = re.search(r"const actions = {(.*?)^  };", SOURCE, re.M | re.S)[1]
    known = set(re.findall(r"^    (\w+):", actions, re.M)) - {"__proto__"}
    assert set(names_in(rows['`data-workos-action="extend"`'])) == known
    words = set(names_in(rows['`data-workos-when="notice warning"`'])) - {"hidden"}
    assert words == {"failed", "extended", "changed", "kept", "typed", "locked"}
    for word in words:
        assert f'"{word}"' in SOURCE, word
    assert "`${state}-dirty`" in SOURCE


def test_the_states_and_reasons_are_all_there():
    states, reasons = (
        [row[0].strip("`") for row in table_of(each)[1:]]
        for each in section(END, "What people see, and when").split("What happens at the end")
    )
    levels = re.search(r"LEVELS = \[(.*?)\]", SOURCE)[1]
    assert set(states) == {*re.findall(r"\w+", levels), "offline"}
    assert {word for each in reasons for word in re.findall(r"\w+", each)} == REASONS


def test_the_events_and_the_functions_are_those_of_the_script():
    told = section(END, "Your own way of showing it")
    tables = told.split("`window.workosSession` is there")
    events = {name for row in table_of(tables[0])[1:] for name in re.findall(r"[\w-]+", row[0])}
    sent = set(re.findall(r'emit\("([\w-]+)"', SOURCE))
    sent |= set(re.findall(r'"(extended|extend-failed)"', SOURCE))
    assert events == sent | {"notice", "warning", "ended"}
    functions = {name for row in table_of(tables[1])[1:] for name in re.findall(r"`(\w+)", row[0])}
    offered = re.search(r"workosSession = Object.freeze\({(.*?)^    }\);", SOURCE, re.M | re.S)
    assert functions == set(re.findall(r"^      (?:get )?(\w+)[:(,]", offered[1], re.M))


@pytest.mark.browser
def test_every_script_runs_in_a_page(chromium_path):
    server = make_server("127.0.0.1", 0, create_gallery(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        page = browser.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.port}/notice-inactivity/")
        for block in blocks_of(END, "js"):
            page.evaluate(f"async () => {{ {block.text} }}")
        browser.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert faults == []


def test_the_catalogue_is_translated_in_the_steps_that_are_told(tmp_path):
    (commands,) = [each for each in blocks_of(END, "sh") if "pybabel" in each.text]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-ec", commands.text],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    folder = tmp_path / "translations" / "de" / "LC_MESSAGES"
    assert 'msgid "Stay signed in"' in (folder / "workos_sessions.po").read_text("utf-8")
    assert (folder / "workos_sessions.mo").exists()


def test_the_policy_that_is_told_is_kept_by_the_gallery():
    (told,) = blocks_of(END, "text")
    kept = {each.strip() for each in GALLERY_POLICY.split(";")}
    assert {each.strip() for each in told.text.split(";")} <= kept


# Near real time.


def test_the_events_are_those_that_are_acted_upon():
    rows = table_of(section("near-real-time.md", "Webhooks"))[1:]
    told = [name for row in rows for name in re.findall(r"`([\w.]+)`", row[0])]
    assert sorted(told) == sorted((*EVENT_TYPES, PASSWORD_RESET))
    for row in rows:
        assert set(names_in(row[2])) <= REASONS


def test_the_fields_of_an_event_are_all_there():
    told = re.search(r"^`event` has (.*?)\.", read("near-real-time.md"), re.M)[1]
    public = {name for name in dir(Event) if not name.startswith("_")}
    assert set(names_in(told)) - {"None"} == public


def test_a_receiver_of_events_works_as_is_shown(run, caplog):
    shown = run(examples_of("near-real-time.md")[0])
    event = read_event({"id": "e", "event": "organization.deleted", "data": {"id": "org_1"}})
    with shown.app.app_context(), caplog.at_level("INFO"):
        signals.send(signals.workos_event, event=event)
    assert "org_1 is gone." in caplog.text


# Migration.

MOVED = "migration.md"


def test_the_app_with_flask_login_and_the_one_after_it_greet_the_same_person(run):
    before, after, _ = examples_of(MOVED)
    app = run(before).app
    client = app.test_client()
    assert client.get("/").location.startswith("/sign-in")
    client.post("/sign-in", data={"number": "7", "password": "correct horse"})
    greeting = client.get("/").text
    assert client.post("/sign-out").location == "/sign-in"
    assert client.get("/").status_code == 302
    app = run(after).app
    assert app.test_client().get("/").location.startswith("/auth/login")
    assert signed_in(app, user={"external_id": "7"}).get("/").text == greeting == "Hello Tess"
    assert status(signed_in(app, user={"external_id": "8"}), "/") == 403


def test_the_app_after_workos_python_greets_and_forgets_the_old_cookie(run):
    after = examples_of(MOVED)[2]
    (last,) = (block for block in blocks_of(MOVED, "python") if "old_cookie" in block.text)
    client = signed_in(run([*after, last]).app, role="admin")
    client.set_cookie("wos_session", "sealed by another library")
    answer = client.get("/")
    assert answer.text == "Hello Test, admin"
    assert client.get_cookie("wos_session") is None
    assert "Set-Cookie" not in client.get("/").headers


def test_there_is_no_is_authenticated_and_a_template_takes_it_for_false(run):
    """As the table of the pieces has it. When there is one, the table is to be changed."""
    app = run(guide()).app
    app.add_url_rule(
        "/said", "said", lambda: render_template_string("<{{ current_user.is_authenticated }}>")
    )
    assert signed_in(app).get("/said").text == "<>"


def test_the_pieces_of_flask_login_are_named_as_they_are():
    rows = table_of(section(MOVED, "What becomes of each piece"))[1:]
    told = " ".join(row[0] for row in rows)
    for name in ("LoginManager", "login_user", "logout_user", "login_required", "UserMixin"):
        assert f"`{name}" in told.replace("`@", "`")
    for name in re.findall(r"`@?(\w+)", told):
        known = hasattr(flask_login, name) or hasattr(flask_login.LoginManager(), name)
        assert known or name in {"remember", "current_user", "get_id", "is_active", "next"} | {
            "REMEMBER_COOKIE_",
            "login_manager",
            "LOGIN_DISABLED",
        }, name


# Links and commands.


def _anchor(heading):
    """The fragment that a heading gets on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _anchors(path):
    text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    return {_anchor(heading) for heading in _HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    text = _BLOCK.sub("", read(page))
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text):
        name, _, fragment = target.partition("#")
        path = DOCS / name if name else DOCS / page
        assert path.exists(), target
        if fragment:
            assert fragment in _anchors(path), target


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page):
    known = {PREFIX + each.name.upper() for each in fields(Settings)}
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", read(page)))
    assert named - known <= {"WORKOS_COOKIE_SAME_SITE", "WORKOS_PROTECTED_PATH"}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page):
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", read(page)):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
        assert name in names, f"{path}::{name}"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page):
    for path in re.findall(r"`((?:tests|examples|flask_workos_sessions)/[\w/.-]+)`", read(page)):
        assert (ROOT / path).exists(), path


# Testing.


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_an_example_passes_in_pytest(page, tmp_path):
    files = {block.file: block.text for block in blocks_of(page, "python") if block.file}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    if not any(name.startswith("test_") for name in files):
        return
    arguments = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:randomly"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, f"--rootdir={tmp_path}", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    tests = sum(text.count("\ndef test_") for text in files.values())
    assert f"{tests} passed" in ran.stdout


def test_the_keywords_of_login_as_are_all_there():
    told = [
        name
        for row in table_of(section("testing.md", "A signed-in client"))[1:]
        for name in names_in(row[0])
    ]
    assert set(told) == set(signature(testing.login_as).parameters) - {"client"}
    assert len(told) == len(set(told))


def test_the_fixtures_are_all_there():
    told = [names_in(row[0])[0] for row in table_of(section("testing.md", "Fixtures"))[1:]]
    source = ast.parse(Path(fixtures.__file__).read_text(encoding="utf-8"))
    assert sorted(told) == sorted(
        each.name for each in source.body if isinstance(each, ast.FunctionDef)
    )


def test_the_faults_are_all_there_in_their_words():
    rows = table_of(section("testing.md", "Faults"))[2:]
    told = {row[0].strip('`"'): row[1].replace(" (real seconds)", "") for row in rows}
    known = {name: meaning.replace("`", "") for name, meaning in NAMED_FAULTS.items()}
    assert {name: meaning.replace("`", "") for name, meaning in told.items()} == known


def test_what_a_local_workos_can_do_is_named_as_it_is():
    text = section("testing.md", "LocalWorkOS")
    named = re.findall(r"`(\w+)(?:\([^`]*\))?`", text.partition("**Who is there**")[2])
    assert len(named) > 20
    for name in set(named) - {"seed"}:
        assert hasattr(LocalWorkOS, name), name
    for user in LocalWorkOS().users:
        assert f"`{user.email}`" in text


_COMMANDS = (
    "pip install Flask-WorkOS-Sessions",
    "flask --app hello run",
    "flask --app hello workos doctor",
    "flask --app hello workos sessions",
    "flask workos local",
    "flask workos secret",
    "flask --app app workos doctor",
    "flask --app app workos events",
    "export ",
    "gunicorn ",
    "set -eu",
    "exec gunicorn ",
    ".venv/bin/python -m examples.gallery",
    "pybabel ",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_exists(page):
    known = {option for each in local_command.params for option in each.opts}
    for block in blocks_of(page, "sh"):
        for line in block.text.splitlines():
            assert line.startswith(_COMMANDS), line
            if line.startswith("flask workos local"):
                assert set(re.findall(r"--[\w-]+", line)) <= known
            if "workos sessions" in line:
                name = line.split()[5]
                options = sessions_group.commands[name].params
                assert set(re.findall(r" (--[\w-]+)", line)[1:]) <= {
                    option for each in options for option in each.opts
                }
            if line.startswith("flask --app app workos events"):
                options = {option for each in events_command.params for option in each.opts}
                assert set(line.split()[5:]) <= options
            if line.startswith("flask --app app workos doctor"):
                options = {option for each in doctor_command.params for option in each.opts}
                assert set(re.findall(r" (--[\w-]+)", line)[1:]) <= options
            if line.startswith(".venv/bin/python -m examples.gallery"):
                assert set(re.findall(r"--[\w-]+", line)) <= {"--style", "--templates", "--port"}


# Security.


def _requirements():
    rows = table_of(section("security.md", "ASVS 5.0"))[1:]
    return [row for row in rows if row[0]]


def test_security_t3_every_requirement_of_asvs_is_met_by_a_test_or_left_to_somebody():
    """Security T3. That each test exists is tested above, for every page."""
    told = {number.strip(): row for row in _requirements() for number in row[0].split(",")}
    chapter_7 = {1: 3, 2: 4, 3: 2, 4: 5, 5: 3, 6: 2}
    wanted = {f"7.{part}.{each}" for part, most in chapter_7.items() for each in range(1, most + 1)}
    wanted |= {f"3.3.{each}" for each in range(1, 6)} | {"10.1.1", "10.1.2", "10.4.5", "10.4.10"}
    wanted |= {"3.2.2", "3.2.3", "3.5.1", "3.5.5", "14.3.1", "14.3.2"}
    wanted |= {f"10.2.{each}" for each in range(1, 4)}
    wanted |= {f"10.{part}.{each}" for part in (3, 5) for each in range(1, 6)}
    assert set(told) == wanted
    for row in _requirements():
        assert len(row) == 5, row
        _, _, how, tests, left = row
        if tests:
            assert re.fullmatch(r"`tests/[\w/]+\.py::\w+`(, `tests/[\w/]+\.py::\w+`)*", tests), row
        else:
            assert re.match("Not |There is none", how), row
            assert left, row


def test_the_session_cookie_is_as_the_security_page_says(workos, clock):
    """Security C1 and C6, ASVS 3.3."""
    app = Flask("cookies")
    app.config.update(workos.settings("https://localhost/auth/callback"), SECRET_KEY="for the test")
    WorkOSSessions(app, clock=clock)
    client = app.test_client()
    begun = client.get("/auth/login", base_url="https://localhost")
    answer = client.get(workos.approve(begun.location, "alice@acme.test"))
    headers = answer.headers.getlist("Set-Cookie")
    (cookie,) = [header for header in headers if "wos-session" in header]
    name_and_value, *attributes = cookie.split("; ")
    assert name_and_value.startswith("__Host-wos-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert not [each for each in attributes if each.startswith("Domain")]


# What the pages say about this version's limits. When one of these fails, the pages are to be
# changed with it.


@pytest.fixture
def make_two_processes(workos, clock):
    """Two apps with the same settings: what two processes are to each other. And their browser."""

    def make(**settings):
        config = {**workos.settings("http://localhost/auth/callback"), **settings}
        apps = []
        for name in ("one", "two"):
            app = Flask(name)
            app.config.update(config)
            WorkOSSessions(app, clock=clock)
            app.add_url_rule("/", "home", login_required(lambda: "in"))
            apps.append(app)
        client = apps[0].test_client()
        begun = client.get("/auth/login")
        client.get(workos.approve(begun.location, "alice@acme.test"))
        cookie = f"wos-session={client.get_cookie('wos-session').value}"

        def ask(app, cookie=cookie):
            stranger = app.test_client(use_cookies=False)
            return stranger.get("/", headers={**SCRIPT, "Cookie": cookie})

        return (*apps, client, ask)

    return make


@pytest.fixture
def two_processes(make_two_processes):
    return make_two_processes()


def test_another_process_learns_of_a_sign_out_within_a_second(two_processes, clock):
    """As sign-out and revocation is told on the security page."""
    one, two, client, ask = two_processes
    assert ask(two).status_code == 200
    client.post("/auth/logout", headers=SCRIPT)
    assert ask(one).status_code == 401
    assert ask(two).status_code == 200
    clock.advance(1)
    assert ask(two).json["required"] == {"reason": "signed_out"}


def test_with_memory_another_process_learns_of_a_sign_out_at_its_next_exchange(
    make_two_processes, clock
):
    """As the same page has it."""
    one, two, client, ask = make_two_processes(WORKOS_CACHE_TYPE="memory")
    client.post("/auth/logout", headers=SCRIPT)
    assert ask(one).status_code == 401
    assert ask(two).status_code == 200
    clock.advance(301)
    assert ask(two).json["required"] == {"reason": "revoked"}


@pytest.mark.parametrize("seconds", [20, 40, 1500])
def test_an_answer_that_was_lost_is_found_by_another_process(two_processes, workos, clock, seconds):
    """As several processes are told of on the page of how it works."""
    one, two, _, ask = two_processes
    clock.advance(301)
    lost = ask(one)
    clock.advance(seconds)
    exchanges = len(workos.exchanges("refresh_token"))
    assert (lost.status_code, ask(two).status_code) == (200, 200)
    assert len(workos.exchanges("refresh_token")) - exchanges == (1 if seconds > 300 else 0)


@pytest.mark.parametrize(("seconds", "status"), [(20, 200), (40, 401)])
def test_with_memory_an_answer_that_was_lost_is_lost_to_another_process_after_30_seconds(
    make_two_processes, clock, seconds, status
):
    one, two, _, ask = make_two_processes(WORKOS_CACHE_TYPE="memory")
    clock.advance(301)
    assert ask(one).status_code == 200
    clock.advance(seconds)
    assert ask(one).status_code == 200
    assert ask(two).status_code == status


def test_a_redirect_uri_can_have_a_path_prefix():
    app = Flask("prefix")
    app.config.update(testing.settings(WORKOS_REDIRECT_URI="https://a.example/team/auth/callback"))
    WorkOSSessions(app)


@pytest.mark.parametrize(("permissions", "told"), [(30, 900), (160, 1400)])
def test_a_session_is_as_large_as_is_told(permissions, told):
    assert f"{told:,} " in section("workos.md", "The size of a session").replace(".", " ")
    app = Flask("size")
    app.config.update(testing.settings())
    WorkOSSessions(app)
    things = ("users", "billing", "reports", "projects", "invoices", "members", "audit", "teams")
    actions = ("read", "write", "delete", "create", "manage", "export", "list", "approve", "share")
    names = [f"{thing}:{action}" for thing in things for action in actions]
    names += [f"own-{name}" for name in names] + [f"all-{name}" for name in names]
    client = app.test_client()
    testing.login_as(client, role="admin", permissions=names[:permissions])
    size = len(client.get_cookie("wos-session").value)
    assert told * 0.85 < size < told * 1.15


def test_a_password_is_changed_in_the_steps_that_are_told(two_processes, clock):
    """As the page about WorkOS has it: a process opens what a newer or older one sealed."""
    one, _, _, ask = two_processes
    old, new = one.config["WORKOS_COOKIE_PASSWORD"], testing.settings()["WORKOS_COOKIE_PASSWORD"]

    def deploy(password, *fallbacks):
        app = Flask("deployed")
        app.config.update({name: one.config[name] for name in one.config if "WORKOS" in name})
        app.config["WORKOS_COOKIE_PASSWORD"] = password
        app.config["WORKOS_COOKIE_PASSWORD_FALLBACKS"] = list(fallbacks)
        WorkOSSessions(app, clock=clock)
        app.add_url_rule("/", "home", login_required(lambda: "in"))
        return app

    second, third, last = deploy(old, new), deploy(new, old), deploy(new)
    assert [ask(app).status_code for app in (one, second, third, last)] == [200, 200, 200, 401]
    clock.advance(301)
    sealed_anew = ask(third).headers["Set-Cookie"].partition(";")[0]
    assert [ask(app, sealed_anew).status_code for app in (second, third, last)] == [200, 200, 200]
