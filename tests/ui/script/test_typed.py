"""What somebody typed is never lost: when the page has to go for good, it is shown, alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

REASONS = ["revoked", "signed_out", "access_removed", "unknown"]


def learn(tabs: Any, page: Page, reason: str = "revoked") -> None:
    tabs.end(reason)
    ask(tabs, page)


def ask(tabs: Any, page: Page) -> None:
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()


def typed(page: Page) -> Locator:
    return page.locator("[data-workos-typed]")


@pytest.mark.parametrize("reason", REASONS)
def test_what_was_typed_is_shown_and_nothing_else(tabs: Any, reason: str) -> None:
    tabs.site.body = '<h1>Plan</h1><textarea id="note">From the server.</textarea>'
    page = tabs.open()
    page.locator("#note").press("End")
    page.keyboard.type(" And from me.")
    learn(tabs, page, reason)
    expect(typed(page)).to_be_visible()
    expect(typed(page)).to_have_value("And from me.")
    assert page.url.endswith("/notes")


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        (["Home", "A"], "A"),
        (["End", "Z"], "Z"),
        (["Home", "ArrowRight", "ArrowRight", "X", "Y"], "XY"),
        (["Home", "Delete", "Delete"], ""),
        (["End", "Backspace", "Backspace", "e", "s"], ""),
        (["Control+A", "N", "e", "w"], "New"),
    ],
)
def test_only_the_part_that_somebody_changed_is_shown(
    tabs: Any, keys: list[str], left: str
) -> None:
    tabs.site.body = '<h1>Plan</h1><input id="name" value="Holmes">'
    page = tabs.open()
    for key in keys:
        page.locator("#name").press(key)
    learn(tabs, page)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(typed(page)).to_have_value(left)
    expect(typed(page)).to_be_visible(visible=bool(left))


def test_several_fields_are_shown_one_below_the_other(tabs: Any) -> None:
    tabs.site.body = (
        '<input id="a" value="Dear "><input id="b"><textarea id="c"></textarea>'
        '<div id="d" contenteditable>Yours, </div><input id="never" value="secret">'
    )
    page = tabs.open()
    for field, text in [("a", "Ada"), ("c", "line one\nline two"), ("d", "Charles")]:
        page.locator(f"#{field}").press("End")
        for line in text.split("\n"):
            page.keyboard.type(line)
            if line != text.rpartition("\n")[2]:
                page.keyboard.press("Enter")
    learn(tabs, page)
    expect(typed(page)).to_have_value("Ada\n\nline one\nline two\n\nCharles")


@pytest.mark.parametrize(
    "attributes",
    [
        'type="password"',
        'autocomplete="off"',
        'autocomplete="OFF"',
        'autocomplete="cc-number"',
        'autocomplete="section-pay billing cc-csc"',
        'autocomplete="one-time-code"',
        'autocomplete="current-password"',
        'autocomplete="new-password" type="text"',
    ],
)
def test_secrets_are_not_shown(tabs: Any, attributes: str) -> None:
    tabs.site.body = f'<h1>Plan</h1><input id="secret" {attributes}><input id="name">'
    page = tabs.open()
    page.locator("#secret").press_sequentially("4321")
    page.locator("#name").press_sequentially("Ada")
    learn(tabs, page)
    expect(typed(page)).to_have_value("Ada")


def test_after_a_secret_alone_the_page_is_taken_away_and_nothing_is_shown(tabs: Any) -> None:
    tabs.site.body = '<h1>Plan</h1><input id="secret" type="password">'
    page = tabs.open()
    page.locator("#secret").press_sequentially("4321")
    learn(tabs, page)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(typed(page)).to_be_hidden()
    assert "4321" not in page.evaluate("() => document.documentElement.outerHTML")


def test_what_a_script_writes_into_a_field_was_not_typed(tabs: Any) -> None:
    tabs.site.body = '<input id="name"><input id="filled">'
    page = tabs.open()
    page.locator("#name").press_sequentially("Ada")
    page.evaluate(
        """() => {
          const field = document.querySelector("#filled");
          field.value = "From the server";
          for (const kind of ["beforeinput", "input", "change"]) {
            field.dispatchEvent(new Event(kind, { bubbles: true }));
          }
        }"""
    )
    learn(tabs, page)
    expect(typed(page)).to_have_value("Ada")


def test_a_script_that_says_that_somebody_typed_does_not_keep_a_page(tabs: Any) -> None:
    tabs.site.body = '<input id="filled">'
    page = tabs.open()
    page.evaluate(
        """() => {
          const field = document.querySelector("#filled");
          field.dispatchEvent(new Event("beforeinput", { bubbles: true }));
          field.value = "From the server";
        }"""
    )
    tabs.end("revoked")
    page.evaluate("() => { workosSession.check(); }")
    page.wait_for_url("**/auth/signed-out?reason=revoked")


def test_a_field_that_is_gone_before_the_end_is_not_shown(tabs: Any) -> None:
    tabs.site.body = '<input id="name"><input id="gone">'
    page = tabs.open()
    page.locator("#gone").press_sequentially("Sent")
    page.evaluate("() => document.querySelector('#gone').remove()")
    page.locator("#name").press_sequentially("Ada")
    learn(tabs, page)
    expect(typed(page)).to_have_value("Ada")


def test_an_element_of_the_app_whose_value_is_no_text_does_not_keep_the_page(tabs: Any) -> None:
    """An editor in a shadow tree, whose value is a document."""
    tabs.site.body = "<h1>Plan</h1><their-editor></their-editor>"
    page = tabs.open()
    page.evaluate(
        """() => {
          customElements.define("their-editor", class extends HTMLElement {
            value = { blocks: [] };
            constructor() {
              super();
              const field = document.createElement("input");
              this.attachShadow({ mode: "open" }).append(field);
              field.focus();
            }
          });
          document.querySelector("their-editor").shadowRoot.querySelector("input").focus();
        }"""
    )
    page.keyboard.type("Ada")
    learn(tabs, page)
    expect(page.locator("h1")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_what_was_typed_is_not_shown_to_another_person(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    tabs.answer(sub="bob", sid="s2", access="b1")
    ask(tabs, page)
    expect(page.get_by_role("dialog")).to_contain_text("Someone else is signed in")
    expect(typed(page)).to_be_hidden()
    assert "diary" not in page.evaluate("() => document.body.innerText")
    expect(typed(page)).to_have_value("")


@pytest.mark.parametrize("reason", ["signed_out", "inactivity"])
def test_what_was_typed_stays_hidden_when_the_other_person_is_gone(tabs: Any, reason: str) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    tabs.answer(sub="bob", sid="s2", access="b1")
    ask(tabs, page)
    learn(tabs, page, reason)
    expect(typed(page)).to_have_value("")


def test_whoever_typed_it_sees_it_again_after_another_person(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    tabs.answer(sub="bob", sid="s2", access="b1")
    ask(tabs, page)
    tabs.answer(sid="s3")
    ask(tabs, page)
    expect(typed(page)).to_have_value("Dear diary")


def test_what_was_typed_is_not_shown_while_the_page_is_kept(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    learn(tabs, page, "inactivity")
    expect(typed(page)).to_have_value("")
    expect(typed(page)).to_be_hidden()


def test_what_was_typed_outlives_the_page(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    learn(tabs, page, "inactivity")
    tabs.skip(901)
    expect(typed(page)).to_be_visible()
    expect(typed(page)).to_have_value("Dear diary")
    tabs.answer(sid="s2")
    ask(tabs, page)
    expect(typed(page)).to_have_value("Dear diary")


def test_what_was_typed_is_there_when_the_rights_have_changed(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    learn(tabs, page, "inactivity")
    tabs.answer(sid="s2", access="a2")
    ask(tabs, page)
    expect(page.get_by_role("dialog")).to_contain_text("You're signed in again")
    expect(typed(page)).to_have_value("Dear diary")


def test_after_a_form_was_sent_what_was_typed_is_still_there(tabs: Any) -> None:
    """The server may have refused it, and somebody has gone back to the page."""
    tabs.site.body = (
        '<form action="/save" method="post" ><textarea id="note" name="note">'
        "</textarea><button>Save</button></form>"
    )
    tabs.replies["/save"] = {"status": 204}  # such an answer leaves the page where it is
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    page.get_by_role("button", name="Save").click()
    assert page.url.endswith("/notes")
    learn(tabs, page)
    expect(typed(page)).to_have_value("Dear diary")


def test_what_was_typed_after_the_return_of_a_page_is_shown_at_its_next_end(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear ")
    learn(tabs, page, "inactivity")
    tabs.answer(sid="s2")
    ask(tabs, page)
    page.locator("#note").press("End")
    page.keyboard.type("diary")
    learn(tabs, page)
    expect(typed(page)).to_have_value("Dear diary")


def test_it_can_be_copied(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press_sequentially("Dear diary")
    learn(tabs, page)
    typed(page).focus()
    page.keyboard.press("Control+A")
    tabs.show(page)  # looks again; the selection stays
    assert typed(page).evaluate("(field) => [field.selectionStart, field.selectionEnd]") == [0, 10]


@pytest.mark.parametrize(
    ("theirs", "edits", "mine"),
    [
        ("The merger is on Friday.", {0: "Start ", 30: " end"}, "Start  end"),
        ("The merger is on Friday.", {4: "big ", 21: "next "}, "big next "),
        (
            "The merger is on Friday.",
            {24: " The merger is on Friday."},
            " The merger is on Friday.",
        ),
    ],
    ids=["both ends", "within", "the same again"],
)
def test_what_stands_between_two_changes_came_from_the_server(
    tabs: Any, theirs: str, edits: dict[int, str], mine: str
) -> None:
    tabs.site.body = f'<input id="note" value="{theirs}">'
    page = tabs.open()
    for place, text in edits.items():
        page.locator("#note").evaluate("(field, at) => field.setSelectionRange(at, at)", place)
        page.locator("#note").focus()
        page.keyboard.type(text)
    learn(tabs, page)
    assert typed(page).input_value().split() == mine.split()
