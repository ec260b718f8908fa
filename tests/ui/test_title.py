"""The title of the tab during the warning: seen by whoever looks at something else."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def check(site: Any, page: Page) -> None:
    page.evaluate("workosSession.check()")
    site.settle(page)


def test_the_title_counts_down_and_comes_back(site: Any) -> None:
    page = site.show(130)
    site.answer(130)
    assert page.title() == "Notes"
    site.run(page, 12)
    assert page.title() == "(2 min) Notes"
    site.run(page, 60)
    assert page.title() == "(58 sec) Notes"
    site.answer(1795)
    page.get_by_role("button", name="Stay signed in").click()
    site.settle(page)
    assert page.title() == "Notes"


def test_the_notice_leaves_the_title_alone(site: Any) -> None:
    page = site.show(290)
    site.answer(290)
    site.run(page, 20)
    assert page.title() == "Notes"


@pytest.mark.parametrize("because", ["inactivity", "max_length"])
def test_a_warning_that_was_put_off_leaves_the_title_alone(site: Any, because: str) -> None:
    page = site.show(15 if because == "inactivity" else 105, because=because)
    if because == "max_length":
        page.get_by_role("button", name="Not yet").click()
    assert page.title() == "Notes"


def test_an_app_may_change_its_title_meanwhile(site: Any) -> None:
    page = site.show(105)
    site.answer(105)
    for title in ("(3) Notes", "Notes and more"):
        page.evaluate("title => { document.title = title; }", title)
        site.run(page, 2)
        assert page.title() == f"(2 min) {title}"
    site.answer(1795)
    check(site, page)
    assert page.title() == "Notes and more"


def test_the_title_is_left_alone_where_an_app_wants_that(site: Any) -> None:
    page = site.show(105, config={"title": False})
    assert page.title() == "Notes"


def test_after_the_end_the_title_says_so_and_not_what_the_page_was_about(site: Any) -> None:
    page = site.show(105)
    site.end("inactivity")
    check(site, page)
    assert page.title() == "You've been signed out"
    site.answer(1700)
    check(site, page)
    assert page.title() == "Notes"


def test_a_title_that_stays_is_not_written_anew(site: Any) -> None:
    """An app may watch it."""
    page = site.show(290)
    site.answer(290)
    page.evaluate(
        "() => { window.writes = 0; new MutationObserver(() => writes++)"
        ".observe(document.querySelector('title'), { childList: true }); }"
    )
    site.run(page, 20)
    assert page.evaluate("writes") == 0
