"""A form that is sent too late, and the Back button: the browser keeps what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from flask_wtf import CSRFProtect
from playwright.sync_api import Page, expect

from flask_workos_sessions import WorkOSSessions, login_required
from flask_workos_sessions.local import LocalWorkOS, MovableClock

pytestmark = pytest.mark.browser

IDLE = 1800
QUESTION, TEXT = "Do we open the second office?", "For: three of us commute. And"


def write(page: Page) -> None:
    page.get_by_label("Question").press_sequentially(QUESTION)
    page.get_by_label("What speaks for it").press_sequentially(TEXT)


def send(page: Page) -> None:
    page.get_by_role("button", name="Put it on the board").click()


def cookies(person: Any) -> list[Any]:
    return [each for each in person.context.cookies(person.url) if "wos" in each["name"]]


def sent_too_late(person: Any) -> Page:
    """The form page, after the form was refused; the script had no time to notice the end."""
    page: Page = person.sign_in("/notes")
    write(page)
    page.evaluate("window.same = true")
    person.clock.advance(IDLE + 1)
    before = cookies(person)
    send(page)
    expect(page.get_by_text("What you sent was not accepted")).to_be_visible()
    assert "form=1" in page.url
    assert cookies(person) == before, "the refused POST and its page leave the cookie alone"
    return page


def test_security_p2_a_form_that_was_sent_too_late_is_filled_in_after_back(alice: Any) -> None:
    """The page says: sign in in a new tab, come back, go back, send it again."""
    page = sent_too_late(alice)
    alice.sign_in_again(page, "Sign in again in a new tab")
    page.bring_to_front()
    page.evaluate("history.back()")
    expect(page.get_by_label("Question")).to_have_value(QUESTION)
    expect(page.get_by_label("What speaks for it")).to_have_value(TEXT)
    expect(page.get_by_role("dialog")).to_be_hidden()
    send(page)
    expect(page.locator("#notes")).to_contain_text(TEXT)
    assert alice.console == []


def test_going_back_before_signing_in_again_shows_nothing_and_loses_nothing(alice: Any) -> None:
    page = sent_too_late(alice)
    page.evaluate("history.back()")
    expect(page.get_by_role("dialog", name="You've been signed out")).to_be_visible()
    assert page.evaluate("window.same"), "the page was kept"
    assert "Harbour" not in page.evaluate("document.body.innerText")
    alice.sign_in_again(page, "Sign in again")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_label("What speaks for it")).to_have_value(TEXT)
    send(page)
    expect(page.locator("#notes")).to_contain_text(TEXT)


def test_a_form_that_was_sent_after_a_revocation_is_not_lost_either(
    alice: Any, workos: LocalWorkOS
) -> None:
    page = alice.sign_in("/notes")
    write(page)
    workos.revoke(workos.sessions[0].id)
    alice.clock.advance(301)
    send(page)
    expect(page.get_by_text("What you sent was not accepted")).to_be_visible()
    page.evaluate("history.back()")
    dialog = page.get_by_role("dialog", name="You've been signed out")
    assert TEXT in dialog.get_by_role("textbox").input_value()
    assert "Harbour" not in page.evaluate("document.body.innerText")


def test_back_after_signing_out_shows_nothing(alice: Any) -> None:
    """The browser keeps pages for Back, and must not show this one (security C9)."""
    page = alice.sign_in("/account")
    page.goto(f"{alice.url}/notes")
    page.locator("header").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Create an account")).to_be_visible()
    for _ in range(3):
        page.evaluate("history.back()")
        page.wait_for_load_state()
        page.wait_for_timeout(300)
        text = page.locator("body").inner_text()
        assert "Alice Admin" not in text or "Continue as" in text, page.url
        assert "On the board" not in text


#: As strict as a policy can be.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = """<!doctype html><html lang="en"><title>Diary</title><link rel="icon" href="data:,"><body>
<h1>Diary</h1>
<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<label>Today <textarea name="text"></textarea></label><button>Keep</button></form>
<form action="https://elsewhere.test/"><input name="csrf_token" value="mine" id="theirs"></form>
<form action="//elsewhere.test/"><input name="csrf_token" value="mine"><input name="action"></form>
<div id="ours" class="workos-session" data-workos-banner data-workos-live></div>
</body></html>"""


@pytest.fixture
def diary(
    serve: Callable[..., str], clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Serves an app with Flask-WTF's CSRFProtect and a strict policy."""
    # A form token is an hour old when the clock of the test says so.
    monkeypatch.setattr(
        "itsdangerous.timed.TimestampSigner.get_timestamp", lambda signer: int(clock())
    )

    def make(sessions: WorkOSSessions, settings: dict[str, Any]) -> Flask:
        app = Flask("diary")
        app.config.update(settings)
        CSRFProtect(app)
        sessions.init_app(app)

        @app.route("/", methods=["GET", "POST"])
        @login_required
        def today() -> str:
            if request.method == "POST":
                return f"<!doctype html><title>Kept</title>Kept: {request.form['text']}"
            return render_template_string(PAGE)

        @app.after_request
        def strict(response: Any) -> Any:
            response.headers.setdefault("Content-Security-Policy", POLICY)
            return response

        return app

    return lambda: serve(make)


def test_staying_is_possible_ten_times_and_renews_the_form_token(
    diary: Callable[[], str], person: Callable[[str], Any]
) -> None:
    """WCAG 2.2.1; and Flask-WTF's tokens live for an hour, however long the session lasts."""
    somebody = person(diary())
    page = somebody.sign_in("/")
    page.get_by_label("Today").press_sequentially("It rained.")
    for _ in range(10):
        somebody.wait(IDLE - 100)
        dialog = page.get_by_role("dialog", name="You'll be signed out soon")
        dialog.get_by_role("button", name="Stay signed in").click()
        expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("body")).to_contain_text("Kept: It rained.")
    assert somebody.console == [], "under the strictest policy nothing is complained about"


def test_security_p4_what_people_write_gets_no_token_and_no_part_in_it(
    diary: Callable[[], str], person: Callable[[str], Any]
) -> None:
    """Forms that lead elsewhere keep what they have; marks like ours outside ours are nothing."""
    somebody = person(diary())
    page = somebody.sign_in("/")
    tokens = page.locator("[name=csrf_token]")
    old = tokens.first.input_value()
    somebody.wait(IDLE - 100)
    page.get_by_role("dialog").get_by_role("button", name="Stay signed in").click()
    expect(tokens.first).not_to_have_value(old)
    assert [tokens.nth(each).input_value() for each in (1, 2)] == ["mine", "mine"]
    expect(page.locator("body > div#ours")).to_be_empty()


def test_a_form_token_that_has_grown_old_is_renewed_by_signing_in_again(
    diary: Callable[[], str], person: Callable[[str], Any]
) -> None:
    somebody = person(diary())
    page = somebody.sign_in("/")
    page.get_by_label("Today").press_sequentially("It rained.")
    somebody.clock.advance(3700)
    somebody.context.clock.fast_forward((IDLE + 1) * 1000)
    expect(page.get_by_role("dialog", name="You've been signed out")).to_be_visible()
    with page.expect_response("**/auth/session/extend"):
        somebody.sign_in_again(page, "Sign in again")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("body")).to_contain_text("Kept: It rained.")
    assert somebody.console == []
