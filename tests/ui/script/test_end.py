"""When a session has ended, nothing that the server sent is left to see (security P1)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

REASONS = ["inactivity", "max_length", "revoked", "signed_out", "access_removed", None]
SECRET = "The merger is on Friday"
BODY = (
    f'<h1>{SECRET}</h1><p title="{SECRET}">{SECRET}</p>'
    f'<textarea id="note">{SECRET}</textarea><input id="who" value="{SECRET}">'
    f'<div id="draft" contenteditable>{SECRET}</div>'
)


def learn(tabs: Any, page: Page, reason: str | None) -> None:
    """The session ends, and the page asks."""
    tabs.end(reason)
    ask(tabs, page)


def ask(tabs: Any, page: Page) -> None:
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()


def shown(page: Page) -> str:
    text: str = page.evaluate("() => document.body.innerText")
    return text


def everything(page: Page) -> str:
    """All that is in the document, to be seen or not; and what is in its fields."""
    text: str = page.evaluate(
        """() => document.documentElement.outerHTML +
        [...document.querySelectorAll("input, textarea")].map((each) => each.value)"""
    )
    return text


@pytest.mark.parametrize("reason", REASONS)
def test_after_the_end_nothing_that_the_server_sent_is_in_the_document(
    tabs: Any, reason: str | None
) -> None:
    tabs.site.body = BODY
    page = tabs.open()
    assert SECRET in shown(page)
    page.locator("#note").press("End")
    page.keyboard.type(" or not")
    learn(tabs, page, reason)
    assert SECRET not in shown(page)
    assert SECRET not in everything(page)
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("reason", ["inactivity", "max_length"])
def test_a_page_that_ends_by_time_is_kept_where_it_is(tabs: Any, reason: str) -> None:
    page = tabs.open()
    learn(tabs, page, reason)
    assert page.url.endswith("/notes")
    assert "GET /auth/signed-out" not in tabs.asked
    expect(page.locator("[data-workos-when=kept]").first).to_be_visible()


@pytest.mark.parametrize("reason", ["revoked", "signed_out", "access_removed"])
def test_a_page_into_which_nobody_typed_gives_way_to_one_that_says_why(
    tabs: Any, reason: str
) -> None:
    page = tabs.open()
    tabs.end(reason)
    page.evaluate("() => { workosSession.check(); }")
    page.wait_for_url(f"**/auth/signed-out?reason={reason}")
    page.go_back()
    assert page.url == "about:blank"


def test_an_end_without_a_reason_is_an_unknown_one(tabs: Any) -> None:
    page = tabs.open()
    tabs.end(None)
    page.evaluate("() => { workosSession.check(); }")
    page.wait_for_url("**/auth/signed-out?reason=unknown")


def test_another_person_gets_a_page_that_says_so(tabs: Any) -> None:
    page = tabs.open()
    tabs.answer(sub="bob", sid="s2", access="b1")
    page.evaluate("() => { workosSession.check(); }")
    page.wait_for_url("**/auth/signed-out?reason=user_changed")


@pytest.mark.parametrize("reason", ["inactivity", "max_length", "revoked"])
def test_a_page_may_always_give_way(tabs: Any, reason: str) -> None:
    tabs.site.body = BODY
    page = tabs.open(config={"leave": True})
    page.locator("#note").press("x")
    tabs.end(reason)
    page.evaluate("() => { workosSession.check(); }")
    page.wait_for_url(f"**/auth/signed-out?reason={reason}")


@pytest.mark.parametrize(
    "config", [{}, {"leave": True}], ids=lambda config: "leave" if config else "stay"
)
def test_the_page_is_gone_although_somebody_does_not_want_to_leave_it(
    tabs: Any, config: dict[str, str]
) -> None:
    """An app that asks before one leaves would let the page stand after its end."""
    tabs.site.body = BODY
    page = tabs.open(config=config)
    page.evaluate("() => addEventListener('beforeunload', (event) => event.preventDefault())")
    page.locator("h1").click()  # a page that nobody touched may not ask
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.dismiss()))
    tabs.end("revoked")
    page.evaluate("() => { workosSession.check(); }")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert dialogs == ["beforeunload"]
    assert SECRET not in everything(page)
    expect(page.get_by_role("dialog")).to_contain_text("Your sign-in was ended")


@pytest.mark.parametrize(
    "script",
    [
        "document.body.append(paragraph)",
        "document.body.prepend(paragraph)",
        "document.body.replaceChildren(paragraph)",
        "document.body.append(paragraph.innerText)",
    ],
)
def test_what_the_app_adds_after_the_end_is_taken_away(tabs: Any, script: str) -> None:
    page = tabs.open()
    learn(tabs, page, "inactivity")
    page.evaluate(
        f"""() => {{
          const paragraph = document.createElement("p");
          paragraph.innerText = "{SECRET}";
          {script};
        }}"""
    )
    tabs.settle()
    assert SECRET not in everything(page)
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("() => document.querySelector('dialog').matches(':modal')")


def test_what_the_app_does_with_a_page_that_was_taken_away_is_not_seen(tabs: Any) -> None:
    tabs.site.body = '<h1 id="title">Notes</h1>'
    page = tabs.open()
    page.evaluate("() => { window.title = document.querySelector('#title'); }")
    learn(tabs, page, "inactivity")
    page.evaluate(f"() => {{ title.innerText = '{SECRET}'; }}")
    assert SECRET not in everything(page)


def test_the_title_of_the_page_is_taken_away_too(tabs: Any) -> None:
    page = tabs.open()
    page.evaluate(f"() => {{ document.title = '{SECRET}'; }}")
    learn(tabs, page, "inactivity")
    assert page.title() == "You've been signed out"
    page.keyboard.press("Escape")
    tabs.settle()
    assert page.title() == "You've been signed out"


def test_the_end_shows_above_a_dialog_of_the_app(tabs: Any) -> None:
    tabs.site.body = f'<dialog id="theirs">{SECRET}</dialog>'
    page = tabs.open()
    page.evaluate("() => document.querySelector('#theirs').showModal()")
    learn(tabs, page, "inactivity")
    assert SECRET not in everything(page)
    page.get_by_role("link", name="Leave this page").click()


@pytest.mark.parametrize("reason", ["inactivity", "revoked"])
def test_a_cancelled_end_leaves_the_page_to_the_app(tabs: Any, reason: str) -> None:
    tabs.site.body = BODY
    page = tabs.open()
    page.evaluate(
        "() => { workosSession.on('ended', (event) => event.preventDefault()); window.same = 1; }"
    )
    page.locator("#note").press("x")
    learn(tabs, page, reason)
    assert SECRET in shown(page)
    assert page.evaluate("() => [same, workosSession.state, workosSession.info.reason]") == [
        1,
        "ended",
        reason,
    ]
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("[data-workos-banner]")).to_be_hidden()
    tabs.show(page)
    expect(page.locator("dialog")).to_be_hidden()


def test_without_a_ui_of_ours_the_page_is_left_alone(tabs: Any) -> None:
    tabs.site.body = BODY
    page = tabs.open(config={"show": False})
    learn(tabs, page, "revoked")
    assert SECRET in shown(page)
    assert page.evaluate("() => document.documentElement.dataset.workosSession") == "ended"


def test_a_page_is_never_taken_away_by_its_own_clock(tabs: Any) -> None:
    tabs.site.body = BODY
    page = tabs.open(10)
    tabs.lose()
    tabs.run(30)
    assert page.evaluate("() => workosSession.state") == "offline"
    assert SECRET in shown(page)


@pytest.mark.parametrize("code", [404, 500, 503])
def test_an_answer_that_is_none_ends_nothing(tabs: Any, code: int) -> None:
    tabs.site.body = BODY
    page = tabs.open()
    tabs.refuse(code)
    ask(tabs, page)
    assert page.evaluate("() => workosSession.state") == "active"
    assert SECRET in shown(page)


def test_after_a_revocation_nothing_keeps_the_page_in_memory(tabs: Any) -> None:
    tabs.site.body = BODY
    page = tabs.open()
    page.locator("#note").press("x")
    page.evaluate("() => { window.nodes = new WeakRef(document.querySelector('h1')); }")
    learn(tabs, page, "revoked")
    forgets(page)


def test_the_banner_keeps_nothing_of_the_page_either(tabs: Any) -> None:
    """It knows where the focus was before it came to its own buttons."""
    tabs.site.body = BODY
    page = tabs.open(250)
    page.locator("#note").press("x")
    page.evaluate("() => { window.nodes = new WeakRef(document.querySelector('h1')); }")
    page.get_by_role("button", name="Dismiss").focus()
    learn(tabs, page, "revoked")
    forgets(page)


def test_after_15_minutes_nothing_keeps_the_page_in_memory(tabs: Any) -> None:
    tabs.site.body = BODY
    page = tabs.open()
    page.locator("#note").press("x")
    page.evaluate("() => { window.nodes = new WeakRef(document.querySelector('h1')); }")
    learn(tabs, page, "inactivity")
    tabs.skip(899)
    page.request_gc()
    assert page.evaluate("() => nodes.deref()?.tagName") == "H1"
    tabs.skip(2)
    forgets(page)


def forgets(page: Page) -> None:
    for _ in range(20):
        page.request_gc()
        if not page.evaluate("() => nodes.deref()?.tagName"):
            return
    pytest.fail("The page is still in memory.")
