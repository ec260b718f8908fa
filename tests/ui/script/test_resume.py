"""A page that was taken away at the end comes back for the same person with the same rights."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

AGAIN = "You're signed in again"


def learn(tabs: Any, page: Page, reason: str = "inactivity") -> None:
    tabs.end(reason)
    ask(tabs, page)
    assert page.evaluate("() => workosSession.state") == "ended"


def sign_in(tabs: Any, page: Page, **who: Any) -> None:
    """There is a new session; and the page asks."""
    tabs.answer(**{"sid": "s2", "ver": 9, **who})
    ask(tabs, page)


def ask(tabs: Any, page: Page) -> None:
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()


def expect_the_page(page: Page) -> None:
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("dialog")).to_be_hidden()
    assert page.evaluate("() => workosSession.state") == "active"


def expect_no_page(page: Page) -> None:
    expect(page.locator("h1")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("reason", ["inactivity", "max_length"])
def test_the_same_nodes_come_back_as_they_were(tabs: Any, reason: str) -> None:
    tabs.site.body = (
        '<h1>Notes</h1><textarea id="note">Once</textarea><input id="name">'
        '<input id="box" type="checkbox"><select id="kind"><option>a<option>b</select>'
        '<div id="draft" contenteditable>Once</div>'
    )
    page = tabs.open()
    page.evaluate(
        """() => {
          window.nodes = [...document.querySelectorAll("h1, textarea, input, select, div")];
          window.bodies = [document.body];
          nodes[0].addEventListener("click", () => { nodes[0].innerText = "Clicked"; });
        }"""
    )
    page.locator("#note").press("End")
    page.keyboard.type(" upon a time")
    page.locator("#name").fill("Ada")
    page.locator("#box").check()
    page.locator("#kind").select_option("b")
    page.locator("#draft").press("Home")
    page.keyboard.type("Not ")
    learn(tabs, page, reason)
    expect_no_page(page)
    sign_in(tabs, page)
    expect_the_page(page)
    assert page.evaluate(
        """() => document.body === bodies[0] &&
          [...document.querySelectorAll("h1, textarea, input, select, #draft")]
            .every((each) => nodes.includes(each))"""
    )
    expect(page.locator("#note")).to_have_value("Once upon a time")
    expect(page.locator("#name")).to_have_value("Ada")
    expect(page.locator("#box")).to_be_checked()
    expect(page.locator("#kind")).to_have_value("b")
    expect(page.locator("#draft")).to_have_text("Not Once")
    page.locator("h1").click()
    expect(page.locator("h1")).to_have_text("Clicked")


def test_somebody_goes_on_to_type_where_the_caret_was(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").fill("Dear Charles")
    for _ in range(len("Charles")):
        page.keyboard.press("ArrowLeft")
    learn(tabs, page)
    sign_in(tabs, page)
    page.keyboard.type("Mr ")
    expect(page.locator("#note")).to_have_value("Dear Mr Charles")


def test_the_page_is_scrolled_to_where_it_was(tabs: Any) -> None:
    lines = "".join(f"<p>{number}</p>" for number in range(200))
    tabs.site.body = f'<h1>Notes</h1>{lines}<textarea id="note"></textarea>'
    page = tabs.open()
    page.locator("#note").focus()
    page.evaluate("() => scrollTo(0, 1234)")
    learn(tabs, page)
    assert page.evaluate("() => scrollY") == 0
    sign_in(tabs, page)
    assert page.evaluate("() => scrollY") == 1234


def test_what_scrolls_within_the_page_is_where_it_was(tabs: Any) -> None:
    tabs.site.body = '<h1>Notes</h1><textarea id="note" rows="3"></textarea>'
    page = tabs.open()
    page.locator("#note").fill("line\n" * 200)
    page.evaluate("() => { document.querySelector('#note').scrollTop = 321; }")
    learn(tabs, page)
    sign_in(tabs, page)
    assert page.evaluate("() => document.querySelector('#note').scrollTop") == 321


def test_the_field_that_had_the_focus_has_it_again_although_a_warning_was_open(tabs: Any) -> None:
    page = tabs.open(200)
    page.locator("#note").focus()
    tabs.answer(100)
    ask(tabs, page)
    expect(page.get_by_role("dialog")).to_be_visible()
    learn(tabs, page)
    sign_in(tabs, page)
    expect(page.locator("#note")).to_be_focused()


def test_an_open_dialog_of_the_app_is_open_again(tabs: Any) -> None:
    tabs.site.body = (
        '<h1>Notes</h1><dialog id="theirs"><input id="name"></dialog><dialog id="quiet"></dialog>'
    )
    page = tabs.open()
    page.evaluate(
        """() => {
          window.closed = 0;
          const theirs = document.querySelector("#theirs");
          theirs.addEventListener("close", () => { closed += 1; });
          theirs.showModal();
          document.querySelector("#quiet").show();
        }"""
    )
    page.locator("#name").fill("Ada")
    learn(tabs, page)
    sign_in(tabs, page)
    expect(page.locator("#name")).to_be_focused()
    assert page.evaluate(
        "() => [...document.querySelectorAll(':modal')].map((each) => each.id)"
    ) == ["theirs"]
    assert page.evaluate("() => [closed, document.querySelector('#quiet').open]") == [0, True]


def test_a_page_that_filled_the_screen_comes_back(tabs: Any) -> None:
    """What fills the screen counts as modal, and is no dialog."""
    page = tabs.open()
    page.evaluate("() => document.addEventListener('click', () => note.requestFullscreen())")
    page.locator("h1").click()
    page.wait_for_function("() => document.fullscreenElement")
    learn(tabs, page)
    sign_in(tabs, page)
    expect_the_page(page)


def test_the_title_comes_back(tabs: Any) -> None:
    page = tabs.open()
    page.evaluate("() => { document.title = 'Notes of Ada'; }")
    learn(tabs, page)
    sign_in(tabs, page)
    assert page.title() == "Notes of Ada"


def test_after_its_return_a_page_can_end_and_return_again(tabs: Any) -> None:
    page = tabs.open()
    for sid in ("s2", "s3"):
        page.locator("#note").press("x")
        learn(tabs, page)
        expect_no_page(page)
        sign_in(tabs, page, sid=sid)
        expect_the_page(page)
    expect(page.locator("#note")).to_have_value("xx")
    page.evaluate("() => { document.body.append('Added') }")
    tabs.settle()
    assert "Added" in page.evaluate("() => document.body.innerText")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"access": "a2"}, id="other rights"),
        pytest.param({"access": "a1-by-support"}, id="somebody acts for them"),
    ],
)
def test_with_other_rights_the_page_does_not_come_back(tabs: Any, other: dict[str, str]) -> None:
    page = tabs.open()
    learn(tabs, page)
    sign_in(tabs, page, **other)
    expect_no_page(page)
    expect(page.get_by_role("dialog")).to_contain_text(AGAIN)
    page.evaluate("() => { window.same = 1; }")
    page.get_by_role("button", name="Reload").click()
    page.wait_for_function("() => !window.same")
    expect(page.locator("h1")).to_be_visible()


def test_another_person_does_not_get_the_page(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press("x")
    learn(tabs, page)
    sign_in(tabs, page, sub="bob", access="b1")
    expect_no_page(page)
    expect(page.get_by_role("dialog")).to_contain_text("Someone else is signed in")
    sign_in(tabs, page, sid="s3")
    expect_no_page(page)
    expect(page.get_by_role("dialog")).to_contain_text(AGAIN)


@pytest.mark.parametrize("reason", ["revoked", "signed_out", "access_removed", "unknown"])
def test_after_other_ends_the_page_does_not_come_back(tabs: Any, reason: str) -> None:
    page = tabs.open()
    page.locator("#note").press("x")
    learn(tabs, page, reason)
    sign_in(tabs, page)
    expect_no_page(page)
    expect(page.get_by_role("dialog")).to_contain_text(AGAIN)


def test_a_page_that_ended_by_time_is_not_kept_when_it_turns_out_to_be_revoked(tabs: Any) -> None:
    page = tabs.open()
    learn(tabs, page)
    learn(tabs, page, "revoked")
    expect(page.get_by_role("dialog")).to_contain_text("Your sign-in was ended")
    sign_in(tabs, page)
    expect_no_page(page)


def test_within_15_minutes_the_page_comes_back(tabs: Any) -> None:
    page = tabs.open()
    learn(tabs, page)
    tabs.skip(898)
    sign_in(tabs, page)
    expect_the_page(page)


def test_after_15_minutes_the_page_does_not_come_back(tabs: Any) -> None:
    page = tabs.open()
    learn(tabs, page)
    kept = page.get_by_text("The page comes back when you sign in again.").first
    expect(kept).to_be_visible()
    tabs.skip(901)
    expect(kept).to_be_hidden()
    sign_in(tabs, page)
    expect_no_page(page)
    expect(page.get_by_role("dialog")).to_contain_text(AGAIN)


def test_after_15_minutes_asleep_the_page_does_not_come_back(tabs: Any) -> None:
    """Timers stand still then, and so may the steady clock: the answer comes before they run."""
    page = tabs.open()
    learn(tabs, page)
    page.clock.set_system_time(1_800_000_000 + 1000)
    sign_in(tabs, page)
    expect_no_page(page)


def test_the_dialog_says_so_when_another_tab_has_signed_in_with_other_rights(tabs: Any) -> None:
    """Closed, it had left a banner that says that one is no longer signed in."""
    page = tabs.open()
    learn(tabs, page)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("[data-workos-banner]")).to_contain_text("no longer signed in")
    sign_in(tabs, page, access="a2")
    expect(page.get_by_role("dialog")).to_contain_text(AGAIN)


def test_the_end_has_its_dialog_although_the_warning_was_put_off(tabs: Any) -> None:
    page = tabs.open(60, because="max_length")
    page.get_by_role("button", name="Not yet").click()
    expect(page.locator("dialog")).to_be_hidden()
    learn(tabs, page, "max_length")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_page_that_comes_back_tells_the_app(tabs: Any) -> None:
    page = tabs.open()
    page.evaluate(
        """() => {
          window.events = [];
          for (const name of ["ended", "resumed"]) {
            workosSession.on(name, ({ detail }) => {
              events.push([name, detail.state, detail.reason, !!document.querySelector("h1")]);
            });
          }
        }"""
    )
    learn(tabs, page)
    sign_in(tabs, page)
    ended, resumed = page.evaluate("() => events")
    assert ended == ["ended", "ended", "inactivity", True]
    assert resumed[0] == "resumed"
    assert resumed[2:] == [None, True]


def test_with_other_rights_the_app_is_not_told_that_the_page_is_back(tabs: Any) -> None:
    page = tabs.open()
    page.evaluate("() => { window.told = 0; workosSession.on('resumed', () => { told += 1; }); }")
    learn(tabs, page)
    sign_in(tabs, page, access="a2")
    assert page.evaluate("() => [told, workosSession.state]") == [0, "ended"]


def test_the_time_counts_again_after_the_return(tabs: Any) -> None:
    page = tabs.open()
    learn(tabs, page)
    sign_in(tabs, page, expires_in=1000)
    assert page.evaluate("() => workosSession.info.expiresIn") == 1000
    asked = tabs.count("GET /auth/session")
    tabs.run(40)
    assert tabs.count("GET /auth/session") > asked


def test_a_page_whose_forms_have_tokens_gets_fresh_ones(tabs: Any) -> None:
    field = '<input name="csrf_token" value="old">'
    tabs.site.body = f'<h1>Notes</h1><form action="/save" method="post">{field}</form>'
    page = tabs.open(config={"csrf": "csrf_token"})
    learn(tabs, page)
    tabs.answer(sid="s2", ver=9, csrf_token="new")
    ask(tabs, page)
    assert tabs.asked[-1] == "POST /auth/session/extend"
    expect(page.locator("[name=csrf_token]")).to_have_value("new")


def test_without_such_forms_coming_back_is_no_activity(tabs: Any) -> None:
    page = tabs.open()
    learn(tabs, page)
    sign_in(tabs, page)
    assert tabs.count("POST /auth/session/extend") == 0


def test_a_tab_that_nobody_sees_gets_its_fresh_tokens_when_somebody_looks(tabs: Any) -> None:
    """To get them is to extend, which a hidden tab never does."""
    field = '<input name="csrf_token" value="old">'
    tabs.site.body = f'<h1>Notes</h1><form action="/save" method="post">{field}</form>'
    tabs.scripts.append("Object.defineProperty(document, 'hidden', { get: () => window.away });")
    page = tabs.open(config={"csrf": "csrf_token"})
    learn(tabs, page)
    page.evaluate("() => { window.away = true; }")
    tabs.answer(sid="s2", ver=9, csrf_token="new")
    ask(tabs, page)
    tabs.run(5)
    assert "POST /auth/session/extend" not in tabs.asked
    page.evaluate(
        "() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }"
    )
    tabs.settle()
    assert tabs.asked[-1] == "POST /auth/session/extend"
    expect(page.locator("[name=csrf_token]")).to_have_value("new")
