"""Signing in again in another tab, for a page that waits for it."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_workos_sessions import Impersonator, login_required
from flask_workos_sessions.session import NO_SESSION
from flask_workos_sessions.status import channel_name
from flask_workos_sessions.testing import login_as
from flask_workos_sessions.urls import resume_url


def sent(response):
    return {name: one for name, (one,) in parse_qs(urlsplit(response.location).query).items()}


def resume_url_of(site, path="/dashboard", **who):
    session = login_as(site.app.test_client(), **who) if who else NO_SESSION
    with site.app.test_request_context(path, headers={"Sec-Fetch-Mode": "navigate"}):
        return resume_url(session)


def test_the_link_asks_for_the_same_person_in_the_same_organization(site, browser):
    url = resume_url_of(site, "/notes?n=1", user={"email": "z@acme.test"}, organization_id="org_7")
    assert url.startswith("/auth/login?return_to=/notes?n%3D1&options=")
    assert url.endswith("&resume=1")
    assert "acme" not in url
    assert "org_7" not in url
    asked = sent(browser.get(url, Sec_Fetch_Site="same-origin"))
    assert (asked["login_hint"], asked["organization_id"]) == ("z@acme.test", "org_7")
    assert asked["max_age"] == "0"


def test_a_silent_sign_in_is_good_enough_where_the_settings_say_so(make_site):
    site = make_site(WORKOS_REAUTHENTICATE_AFTER_END=False)
    asked = sent(site.browser().get(resume_url_of(site, organization_id="org_7")))
    assert asked["organization_id"] == "org_7"
    assert "max_age" not in asked


def test_security_g4_an_impersonator_signs_in_as_themselves(site, browser):
    url = resume_url_of(site, impersonator=Impersonator("support@vendor.test"))
    assert "login_hint" not in sent(browser.get(url))


def test_a_session_that_nobody_remembers_can_be_resumed_too(site, browser):
    asked = sent(browser.get(resume_url_of(site)))
    assert not {"login_hint", "organization_id"} & set(asked)
    assert asked["max_age"] == "0"


def test_the_browser_lands_on_a_page_that_tells_the_other_tabs(site, browser):
    landed = browser.sign_in(start="/auth/login?return_to=/dashboard?tab%3D2&resume=1")
    assert (landed.status_code, landed.location) == (
        303,
        "/auth/signed-in?return_to=/dashboard?tab%3D2",
    )
    page = browser.get(landed.location)
    assert page.status_code == 200
    assert "signed in again" in html.unescape(page.text)
    assert 'href="/dashboard?tab=2">Go on here</a>' in page.text
    (script,) = re.findall("<script.*?</script>", page.text)
    name = channel_name(site.parts)
    path = re.fullmatch(
        rf'<script src="([^"]+)" defer data-channel="{name}"></script>', script
    ).group(1)
    assert browser.get(path).mimetype == "text/javascript"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("; script-src 'self'")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in page.headers


def test_no_other_page_of_ours_may_run_a_script(browser):
    browser.sign_in()
    assert "script-src" not in browser.get("/auth/logout").headers["Content-Security-Policy"]


def test_without_a_return_path_it_goes_on_at_the_usual_place(make_site):
    browser = make_site(WORKOS_SIGN_IN_RETURN_TO="/home").browser()
    landed = browser.sign_in(start="/auth/login?resume=1")
    assert landed.location == "/auth/signed-in"
    assert 'href="/home"' in browser.get(landed.location).text


def test_security_s3_it_goes_on_nowhere_but_in_this_app(browser):
    browser.sign_in()
    for target in ("//evil.test", "/auth/logout", "https://evil.test/"):
        page = browser.get(f"/auth/signed-in?return_to={target}")
        assert 'href="/">Go on here</a>' in page.text
    again = browser.sign_in(start="/auth/login?return_to=/auth/signed-in&resume=1")
    assert again.location == "/auth/signed-in"


@pytest.mark.parametrize("word", ["", "0", "true", "/auth/signed-in"])
def test_only_the_flag_leads_there(browser, word):
    assert browser.sign_in(start=f"/auth/login?return_to=/x&resume={word}").location == "/x"


def test_without_a_session_that_page_leads_to_the_start(browser, clock):
    assert browser.get("/auth/signed-in").location == "/"
    browser.sign_in()
    clock.advance(1801)
    assert browser.get("/auth/signed-in?return_to=/dashboard").location == "/"
    below = browser.client.get("/auth/signed-in", base_url="http://localhost/team")
    assert below.location == "/team/"


def test_a_page_that_was_left_open_is_not_sent_away_when_the_token_has_run_out(browser, clock):
    browser.sign_in()
    clock.advance(400)
    before = browser.cookie
    assert browser.get("/auth/signed-in").status_code == 200
    assert browser.cookie == before


def test_the_first_page_sees_the_same_person_with_the_same_rights_in_a_later_session(
    browser, clock
):
    browser.sign_in()
    before = browser.fetch("/auth/session").json
    clock.advance(1801)
    assert browser.fetch("/auth/session").json["reason"] == "inactivity"
    browser.sign_in(start="/auth/login?resume=1")
    after = browser.fetch("/auth/session").json
    assert (after["sub"], after["access"]) == (before["sub"], before["access"])
    assert after["sid"] != before["sid"]


def test_the_choice_of_an_organization_is_on_the_way(browser):
    asked = browser.sign_in("carol@acme.test", "/auth/login?return_to=/x&resume=1")
    links = [part.split('"')[0] for part in asked.text.split('href="')[1:] if "login?" in part]
    landed = browser.sign_in("carol@acme.test", html.unescape(links[0]))
    assert landed.location == "/auth/signed-in?return_to=/x"


def test_the_organizations_own_sign_in_is_on_the_way(browser, workos):
    workos.set_organization("Acme", sso_required=True)
    begun = browser.sign_in("alice@acme.test", "/auth/login?return_to=/x&resume=1")
    assert begun.status_code == 302
    assert browser.come_back(begun, "alice@acme.test").location == "/auth/signed-in?return_to=/x"


def test_security_s1_the_question_before_somebody_is_replaced_is_on_the_way(browser):
    browser.sign_in("alice@acme.test")
    asked = browser.sign_in("bob@acme.test", "/auth/login?resume=1", Sec_Fetch_Site="cross-site")
    pending = asked.text.split('name="pending" value="')[1].split('"')[0]
    switched = browser.post("/auth/callback", {"pending": pending, "decision": "switch"})
    assert switched.location == "/auth/signed-in"


def test_security_g2_the_flag_takes_nothing_from_a_step_up(site, browser, workos, clock):
    site.app.add_url_rule("/secret", "secret", login_required(max_age=60)(lambda: "secret"))
    browser.sign_in("alice@acme.test")
    clock.advance(61)
    begun = browser.get(browser.get("/secret").location + "&resume=1", Sec_Fetch_Site="same-origin")
    code = workos.authorize_code(
        "alice@acme.test",
        redirect_uri="http://localhost/auth/callback",
        code_challenge=sent(begun)["code_challenge"],
        authenticated_at=clock() - 3600,
    )
    refused = browser.get(f"/auth/callback?code={code}&state={sent(begun)['state']}")
    assert refused.status_code == 403
    begun = browser.get(browser.get("/secret").location + "&resume=1", Sec_Fetch_Site="same-origin")
    assert begun.location.count("max_age=60") == 1
    # Somebody else's sign-in does not lead to the page of the first.
    assert browser.come_back(begun, "bob@acme.test").location == "/auth/signed-in"
