"""The warning in a browser: when it shows, what it says, and that it loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flask_workos_sessions.ui.assets import asset_name

pytestmark = pytest.mark.browser

STATUS, EXTEND = "/auth/session", "/auth/session/extend"
LIVE, BAR = ".workos-session-live", ".workos-session-bar"


def status(expires_in: int | None, **more: Any) -> dict[str, Any]:
    answer = {"v": 1, "state": "active", "expires_in": expires_in, "because": "inactivity"}
    return (
        answer | {"extendable": True, "ver": 1, "rev": "r", "sub": "ada", "changed": False} | more
    )


def ended(reason: str | None = "inactivity") -> tuple[int, Any]:
    return 401, {"v": 1, "state": "ended", "reason": reason, "login_url": "/auth/login"}


def expect_asked(site: Any, page: Page, asked: list[str]) -> None:
    """Wait until the server has been asked for this, and nothing else."""
    for _ in range(500):
        if site.asked == asked:
            return
        page.title()  # lets the browser's messages in
    assert site.asked == asked


def test_the_script_runs_under_a_strict_policy_without_a_fault(site: Any) -> None:
    page = site.open(status(60))
    expect(page.locator(BAR)).to_be_visible()
    assert site.faults == []
    assert page.locator("[style]").count() == 0


def test_nothing_shows_before_it_is_time(site: Any) -> None:
    page = site.open(status(1740))
    site.run(page, 60)
    expect(page.locator(BAR)).to_be_hidden()
    assert site.asked == []


@pytest.mark.parametrize(
    "state",
    [None, {"v": 1, "state": "ended", "reason": "revoked"}, {"state": "unknown"}, {}],
)
def test_a_page_of_nobody_is_left_alone(site: Any, state: Any) -> None:
    page = site.open(state)
    site.run(page, 3)
    assert page.locator(".workos-session").count() == 0
    assert (site.asked, site.faults) == ([], [])


def test_a_session_without_a_known_end_is_never_counted_down(site: Any) -> None:
    page = site.open(status(None, because=None, extendable=False))
    site.run(page, 60)
    expect(page.locator(BAR)).to_be_hidden()
    assert site.asked == []


def test_the_warning_tells_the_time_and_counts_it_down(site: Any) -> None:
    page = site.open(status(105))
    expect(page.locator(BAR)).to_contain_text("You will be signed out in 1 minute 45 seconds.")
    site.answers[STATUS] = 200, status(105 - 15, ver=2)
    site.run(page, 14)
    expect(page.locator(BAR)).to_contain_text("You will be signed out in 1 minute 31 seconds.")


@pytest.mark.parametrize(
    ("left", "words"),
    [(61, "1 minute 1 second"), (60, "1 minute"), (120, "2 minutes"), (2, "2 seconds")],
)
def test_the_time_reads_as_a_person_would_say_it(site: Any, left: int, words: str) -> None:
    page = site.open(status(left))
    expect(page.locator(BAR)).to_contain_text(f"in {words}.")


def test_the_server_is_asked_before_the_warning_begins(site: Any) -> None:
    """Another tab may have extended in the meantime."""
    page = site.open(status(130))
    site.answers[STATUS] = 200, status(1740, ver=2)
    site.run(page, 12)
    assert site.asked == [f"GET {STATUS}"]
    expect(page.locator(BAR)).to_be_hidden()
    site.run(page, 60)
    assert len(site.asked) == 1


def test_the_warning_waits_for_the_answer(site: Any) -> None:
    page = site.open(status(130))
    site.answers[STATUS] = 200, "hold"
    page.clock.run_for(12000)
    expect_asked(site, page, [f"GET {STATUS}"])
    expect(page.locator(BAR)).to_be_hidden()
    expect(page.locator(LIVE)).to_have_text("")
    site.held[0].fulfill(json=status(118, ver=2))
    expect(page.locator(BAR)).to_be_visible()


def test_the_warning_begins_when_the_server_says_so_too(site: Any) -> None:
    page = site.open(status(130))
    site.answers[STATUS] = 200, status(119, ver=2)
    site.run(page, 12)
    expect(page.locator(BAR)).to_be_visible()


def test_the_warning_begins_also_when_the_server_is_not_reached(site: Any) -> None:
    page = site.open(status(130))
    site.run(page, 12)
    expect(page.locator(BAR)).to_contain_text("You will be signed out in")
    expect(page.locator(BAR)).to_contain_text("We could not reach the server. Still trying.")


def test_staying_signed_in_is_a_post_and_hides_the_warning(site: Any) -> None:
    page = site.open(status(90))
    site.answers[EXTEND] = 200, status(1795, ver=2)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator(BAR)).to_be_hidden()
    expect(page.locator(LIVE)).to_have_text("You are still signed in.")
    assert site.asked == [f"POST {EXTEND}"]


def test_asking_never_extends(site: Any) -> None:
    """A poll is a GET to the status route; only a click posts."""
    page = site.open(status(110))
    for second in range(105):
        site.answers[STATUS] = 200, status(109 - second, ver=2 + second)
        site.run(page, 1)
        page.evaluate("dispatchEvent(new Event('focus'))")
    assert set(site.asked) == {f"GET {STATUS}"}
    assert 5 <= len(site.asked) <= 30


def test_what_is_typed_and_where_the_focus_is_stays(site: Any) -> None:
    page = site.open(status(130))
    page.locator("#note").fill("An idea that nobody else has")
    page.locator("#note").evaluate("area => area.setSelectionRange(3, 7)")
    site.answers[STATUS] = 200, status(119, ver=2)
    site.run(page, 12)
    expect(page.locator(BAR)).to_be_visible()
    expect(page.locator("#note")).to_be_focused()
    site.answers[EXTEND] = 200, status(1795, ver=3)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator(BAR)).to_be_hidden()
    expect(page.locator("#note")).to_be_focused()
    assert page.locator("#note").evaluate("area => [area.selectionStart, area.value]") == [
        3,
        "An idea that nobody else has",
    ]


def test_at_the_end_the_server_is_asked_and_the_page_stays(site: Any) -> None:
    page = site.open(status(10))
    page.locator("#note").fill("Half a thought")
    site.answers[STATUS] = 200, status(0, ver=2)
    site.run(page, 15)
    expect(page.locator(BAR)).to_contain_text("Checking if you are still signed in.")
    site.answers[STATUS] = ended()
    site.run(page, 3)
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")
    link = page.get_by_role("link", name="Sign in again")
    assert link.get_attribute("href") == "http://harbour.test/auth/login?return_to=/notes"
    assert link.get_attribute("target") == "_blank"
    assert page.locator(f"{BAR} button:visible").count() == 0
    assert page.url == "http://harbour.test/notes"
    assert page.locator("#note").input_value() == "Half a thought"
    asked = len(site.asked)
    site.run(page, 120)
    assert len(site.asked) == asked, "nothing is asked for after the end"


def test_the_clock_alone_ends_nothing(site: Any) -> None:
    page = site.open(status(5))
    site.run(page, 120)
    expect(page.locator(BAR)).to_contain_text("Checking if you are still signed in.")
    expect(page.locator(BAR)).to_contain_text("Still trying.")
    assert 5 < site.count(f"GET {STATUS}") < 30
    site.answers[STATUS] = 200, status(1740, ver=2)
    site.run(page, 6)
    expect(page.locator(BAR)).to_be_hidden()


def test_a_clock_that_was_set_forward_is_a_reason_to_ask(site: Any) -> None:
    page = site.open(status(1740))
    site.answers[STATUS] = 200, status(1738, ver=2)
    page.evaluate("const real = Date.now; Date.now = () => real() + 86400000")
    site.run(page, 35)
    assert site.asked == [f"GET {STATUS}"]
    expect(page.locator(BAR)).to_be_hidden()


def test_a_clock_that_was_set_back_gives_no_time(site: Any) -> None:
    page = site.open(status(130))
    site.answers[STATUS] = 200, status(119, ver=2)
    page.evaluate("const real = Date.now; Date.now = () => real() - 86400000")
    site.run(page, 12)
    expect(page.locator(BAR)).to_be_visible()


def test_an_older_answer_never_replaces_a_newer_one(site: Any) -> None:
    page = site.open(status(100, ver=7))
    site.answers[STATUS] = 200, status(1740, ver=6)
    site.run(page, 16)
    assert site.asked == [f"GET {STATUS}"]
    expect(page.locator(BAR)).to_contain_text("1 minute 24 seconds")


def test_at_the_maximum_length_there_is_no_button_to_stay(site: Any) -> None:
    page = site.open(status(100, because="max_length", extendable=False))
    expect(page.locator(BAR)).to_contain_text("You will be signed out in 1 minute 40 seconds.")
    expect(page.locator(BAR)).to_contain_text("This cannot be extended.")
    expect(page.get_by_role("button", name="Stay signed in")).to_be_hidden()
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


def test_a_refused_extension_tells_why_and_takes_the_button_away(site: Any) -> None:
    page = site.open(status(100))
    site.answers[EXTEND] = 409, {"error": "not_extendable"}
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator(BAR)).to_contain_text("This cannot be extended.")
    expect(page.get_by_role("button", name="Stay signed in")).to_be_hidden()
    expect(page.get_by_role("link", name="Sign in again")).to_be_focused()
    site.answers[STATUS] = 200, status(80, extendable=False, because="max_length", ver=2)
    site.run(page, 20)
    assert site.count(f"POST {EXTEND}") == 1


def test_extending_after_the_end_says_that_it_has_ended(site: Any) -> None:
    page = site.open(status(3))
    site.answers[EXTEND] = ended()
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")


@pytest.mark.parametrize("answer", [None, (503, {"state": "unknown"}), (502, "<h1>Bad</h1>")])
def test_an_extension_that_did_not_arrive_is_tried_again(site: Any, answer: Any) -> None:
    page = site.open(status(100))
    if answer:
        site.answers[EXTEND] = answer
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator(BAR)).to_contain_text("We could not reach the server. Still trying.")
    expect(page.locator(BAR)).to_contain_text("1 minute 40 seconds")
    site.run(page, 3)
    expect(page.locator(BAR)).to_contain_text("1 minute 37 seconds")
    site.answers[EXTEND] = 200, status(1795, ver=2)
    site.run(page, 3)
    expect(page.locator(BAR)).to_be_hidden()
    assert site.count(f"POST {EXTEND}") == 2


def test_a_click_is_forgotten_after_a_minute(site: Any) -> None:
    page = site.open(status(115))
    page.get_by_role("button", name="Stay signed in").click()
    site.run(page, 62)
    posted = site.count(f"POST {EXTEND}")
    assert 10 <= posted <= 13
    site.run(page, 30)
    assert site.count(f"POST {EXTEND}") == posted


def test_retry_after_is_kept(site: Any) -> None:
    page = site.open(status(100))
    site.answers[EXTEND] = 503, {"state": "unknown"}
    site.headers["Retry-After"] = "20"
    page.get_by_role("button", name="Stay signed in").click()
    site.run(page, 18)
    assert len(site.asked) == 1
    site.run(page, 3)
    assert len(site.asked) == 2


def test_clicking_twice_posts_once(site: Any) -> None:
    page = site.open(status(100))
    site.answers[EXTEND] = 200, status(1795, ver=2)
    page.evaluate(
        "() => { const b = document.querySelector('.workos-session-main'); b.click(); b.click(); }"
    )
    site.settle(page)
    assert site.asked == [f"POST {EXTEND}"]


def test_a_click_waits_for_the_question_before_it(site: Any) -> None:
    """Answers arrive in the order of the questions: a slow old one undoes nothing."""
    page = site.open(status(100))
    site.answers[STATUS] = 200, "hold"
    page.clock.run_for(16000)
    expect_asked(site, page, [f"GET {STATUS}"])
    page.get_by_role("button", name="Stay signed in").click()
    page.get_by_role("button", name="Stay signed in").click()
    assert len(site.asked) == 1
    site.answers[EXTEND] = 200, status(1795, ver=3)
    site.held[0].fulfill(json=status(84, ver=2))
    expect(page.locator(BAR)).to_be_hidden()
    assert site.asked == [f"GET {STATUS}", f"POST {EXTEND}"]


@pytest.mark.parametrize(
    "answer", [(200, {}), (200, {"state": "unknown"}), (200, []), (500, {"state": "x"}), (403, {})]
)
def test_an_answer_that_is_no_status_ends_nothing(site: Any, answer: Any) -> None:
    page = site.open(status(100))
    site.answers[STATUS] = answer
    site.run(page, 16)
    expect(page.locator(BAR)).to_contain_text("You will be signed out in 1 minute 24 seconds.")
    expect(page.locator(BAR)).to_contain_text("Still trying.")


def test_the_note_goes_when_the_server_is_reached_again(site: Any) -> None:
    page = site.open(status(100))
    site.run(page, 16)
    expect(page.locator(BAR)).to_contain_text("Still trying.")
    site.answers[STATUS] = 200, status(79, ver=2)
    site.run(page, 6)
    expect(page.locator(BAR)).not_to_contain_text("Still trying.")
    expect(page.locator(BAR)).to_contain_text("You will be signed out in")


def test_a_redirect_is_not_followed(site: Any) -> None:
    """A sign-in page is no answer, and asking for it would begin a sign-in."""
    page = site.open(status(100))
    site.answers[STATUS] = 302, {}
    site.headers["Location"] = "/auth/login"
    site.run(page, 16)
    assert site.asked == [f"GET {STATUS}"]
    expect(page.locator(BAR)).to_contain_text("Still trying.")


def test_a_click_that_was_answered_is_not_repeated(site: Any) -> None:
    page = site.open(status(100))
    site.answers[EXTEND] = 200, status(99, ver=2)
    site.answers[STATUS] = 200, status(80, ver=3)
    page.get_by_role("button", name="Stay signed in").click()
    site.run(page, 40)
    assert site.count(f"POST {EXTEND}") == 1
    assert site.count(f"GET {STATUS}") == 2


@pytest.mark.parametrize(
    "event",
    [
        "window.dispatchEvent(new Event('focus'))",
        "window.dispatchEvent(new Event('online'))",
        "document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))",
    ],
    ids=["focus", "online", "visible"],
)
def test_coming_back_asks_the_server(site: Any, event: str) -> None:
    page = site.open(status(1740))
    site.answers[STATUS] = ended("signed_out")
    site.run(page, 6)
    page.evaluate(event)
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")
    assert site.asked == [f"GET {STATUS}"]


def test_a_refused_request_of_htmx_asks_the_server_at_once(site: Any) -> None:
    page = site.open(status(1740))
    site.answers[STATUS] = ended()
    page.evaluate(
        "() => { for (let n = 0; n < 5; n++) document.querySelector('#note').dispatchEvent("
        "new CustomEvent('workos-session:401', { bubbles: true, detail: {} })); }"
    )
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")
    assert site.asked == [f"GET {STATUS}"]


def test_a_page_out_of_the_back_cache_asks_at_once(site: Any) -> None:
    page = site.open(status(1740))
    site.answers[STATUS] = ended("signed_out")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")


def test_many_events_at_once_ask_once(site: Any) -> None:
    page = site.open(status(1740))
    site.answers[STATUS] = 200, status(1700, ver=2)
    site.run(page, 6)
    page.evaluate("for (let n = 0; n < 50; n++) dispatchEvent(new Event('focus'))")
    site.settle(page)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    site.settle(page)
    assert site.asked == [f"GET {STATUS}"]


def test_a_hidden_page_asks_for_nothing_and_says_nothing(site: Any) -> None:
    page = site.open(status(150))
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }"
    )
    site.run(page, 40)
    assert site.asked == []
    expect(page.locator(LIVE)).to_have_text("")
    site.answers[STATUS] = ended()
    page.evaluate(
        "() => { delete document.hidden;"
        " document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }"
    )
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")


def test_signing_in_again_in_another_tab_takes_the_message_away(site: Any) -> None:
    page = site.open(status(1))
    site.answers[STATUS] = ended()
    site.run(page, 17)
    expect(page.locator(BAR)).to_contain_text("Your session has ended.")
    site.answers[STATUS] = 200, status(1740, ver=0)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator(BAR)).to_be_hidden()


def test_somebody_else_in_this_browser_is_told(site: Any) -> None:
    page = site.open(status(1740))
    site.answers[STATUS] = 200, status(1740, ver=9, sub="grace")
    site.run(page, 6)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator(BAR)).to_contain_text("Somebody else is signed in now.")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_it_is_spoken_at_few_moments(site: Any) -> None:
    page = site.open(status(119))
    page.evaluate(
        "() => { window.spoken = []; new MutationObserver(() => spoken.push("
        f"document.querySelector('{LIVE}').textContent))"
        f".observe(document.querySelector('{LIVE}'), {{ childList: true }}); }}"
    )
    first = page.locator(LIVE).text_content()
    for second in range(1, 118):
        site.answers[STATUS] = 200, status(118 - second, ver=1 + second)
        site.run(page, 1)
    spoken = [first, *page.evaluate("spoken")]
    times = [each.split(" in ")[1].replace("\u00a0", " ").strip() for each in spoken if each]
    assert times == [
        "1 minute 59 seconds.",
        "1 minute.",
        "40 seconds.",
        "20 seconds.",
    ]


def test_what_speaks_is_polite_and_outside_what_is_hidden(site: Any) -> None:
    page = site.open(status(1740))
    live = page.locator(LIVE)
    assert live.get_attribute("role") == "status"
    assert live.evaluate("live => live.closest('[hidden]')") is None
    assert page.locator("[aria-live=assertive], [role=alert]").count() == 0


def test_the_warning_is_a_named_region_with_named_controls(site: Any) -> None:
    page = site.open(status(90))
    region = page.get_by_role("region", name="Your sign-in")
    expect(region.get_by_role("button", name="Stay signed in")).to_be_visible()
    expect(region.get_by_role("button", name="Sign out")).to_be_visible()
    page.locator("#note").focus()
    page.keyboard.press("Tab")
    expect(region.get_by_role("button", name="Stay signed in")).to_be_focused()
    page.keyboard.press("Tab")
    expect(region.get_by_role("button", name="Sign out")).to_be_focused()


def test_signing_out_is_a_post(site: Any) -> None:
    page = site.open(status(90))
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/logout")
    assert site.asked == ["POST /auth/logout"]


def test_elements_of_the_page_show_the_time_left(site: Any) -> None:
    site.body = "<p data-workos-remaining>…</p><b data-workos-remaining></b>"
    page = site.open(status(125))
    clock = page.locator("p[data-workos-remaining]")
    expect(clock).to_have_text("2:05")
    site.run(page, 2)
    expect(clock).to_have_text("2:03")
    expect(page.locator("b")).to_have_text("2:03")


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        (3599, "59:59"),
        (3600, "1:00:00"),
        (28000, "7:46:40"),
        (200000, "55:33:20"),
        (61, "1:01"),
        (9, "0:09"),
    ],
)
def test_the_time_left_reads_as_a_clock(site: Any, left: int, shown: str) -> None:
    site.body = "<p data-workos-remaining></p>"
    expect(site.open(status(left)).locator("p[data-workos-remaining]")).to_have_text(shown)


def test_an_unknown_time_left_keeps_the_text_of_the_page(site: Any) -> None:
    site.body = "<p data-workos-remaining>not known</p>"
    page = site.open(status(None, extendable=False))
    expect(page.locator("p[data-workos-remaining]")).to_have_text("not known")


def test_what_people_write_does_not_configure_the_script(site: Any) -> None:
    """Security P4."""
    site.body = (
        '<div id="workos-session">{"state":{"state":"active","expires_in":1}}</div>'
        '<textarea id="workos-session">{"extend_url":"https://evil.test/"}</textarea>'
    )
    page = site.open(status(90))
    expect(page.locator(BAR)).to_contain_text("1 minute 30 seconds")
    assert page.locator(".workos-session form").evaluate("form => form.action") == (
        "http://harbour.test/auth/logout"
    )
    site.answers[EXTEND] = 200, status(1700, ver=2)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator(BAR)).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("status_url", "https://evil.test/"),
        ("extend_url", "//evil.test/"),
        ("sign_in_url", "javascript:alert(1)"),
        ("sign_out_url", "http://harbour.test:8080/"),
    ],
)
def test_addresses_elsewhere_are_not_used(site: Any, name: str, address: str) -> None:
    """Security P4: URLs same-origin."""
    page = site.open(status(90), **{name: address})
    site.run(page, 3)
    assert page.locator(".workos-session").count() == 0
    assert site.asked == []


def test_the_warning_survives_a_page_that_replaces_its_body(site: Any) -> None:
    page = site.open(status(90))
    page.evaluate("document.body = document.createElement('body')")
    site.run(page, 1)
    expect(page.locator(BAR)).to_be_visible()


def test_a_script_that_is_there_twice_runs_once(site: Any) -> None:
    site.body = f'<script src="/auth/static/{asset_name("session.js")}" defer></script>'
    page = site.open(status(90))
    assert page.locator(BAR).count() == 1
