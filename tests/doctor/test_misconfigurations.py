"""Each misconfiguration is planted in an app that is well, and is found by its words."""

from __future__ import annotations

import importlib.util
import secrets

import pytest

SAME = secrets.token_hex(32)
HTTP = "http://localhost/auth/callback"
HOSTS = ("app.example.com", "app.acme.test")
REDIS = {"WORKOS_CACHE_DIR": None, "WORKOS_CACHE_TYPE": "redis"}

#: What is planted (``None``: taken away), how bad it is, and words of what is said of it.
PLANTED = {
    "no API key": ({"WORKOS_API_KEY": None}, "fault", "WORKOS_API_KEY is missing"),
    "no client id": ({"WORKOS_CLIENT_ID": None}, "fault", "WORKOS_CLIENT_ID is missing"),
    "no password": ({"WORKOS_COOKIE_PASSWORD": None}, "fault", "COOKIE_PASSWORD is missing"),
    "a short password": ({"WORKOS_COOKIE_PASSWORD": "battery7"}, "fault", "at least 32 characters"),
    "a password of words": (
        {"WORKOS_COOKIE_PASSWORD": "correct horse battery staple jumps quickly"},
        "warning",
        "looks like words",
    ),
    "a password that repeats itself": (
        {"WORKOS_COOKIE_PASSWORD": "4f7Kq9zRt2Lw" * 3},
        "warning",
        "repeats itself",
    ),
    "a long password twice": (
        {"WORKOS_COOKIE_PASSWORD": "4f7Kq9zRt2LwXyBv" * 2},
        "warning",
        "repeats itself",
    ),
    "one secret for two things": (
        {"SECRET_KEY": SAME, "WORKOS_COOKIE_PASSWORD": SAME},
        "warning",
        "is the same as SECRET_KEY",
    ),
    "a secret for cookies and webhooks": (
        {"WORKOS_WEBHOOK_SECRET": SAME, "WORKOS_COOKIE_PASSWORD": SAME},
        "warning",
        "is the same as WORKOS_WEBHOOK_SECRET",
    ),
    "a fallback": (
        {"WORKOS_COOKIE_PASSWORD_FALLBACKS": [secrets.token_hex(32)]},
        "warning",
        "WORKOS_COOKIE_PASSWORD_FALLBACKS is in use",
    ),
    "a fallback of webhooks": (
        {"WORKOS_WEBHOOK_SECRET_FALLBACKS": [secrets.token_hex(32)]},
        "warning",
        "WORKOS_WEBHOOK_SECRET_FALLBACKS is in use",
    ),
    "the password as its own fallback": (
        {"WORKOS_COOKIE_PASSWORD": SAME, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [SAME]},
        "warning",
        "has a secret twice",
    ),
    "a fallback twice": (
        {"WORKOS_COOKIE_PASSWORD_FALLBACKS": [SAME, SAME]},
        "warning",
        "has a secret twice",
    ),
    "an unknown key": ({"WORKOS_REDIRECT_URL": "x"}, "fault", "did you mean WORKOS_REDIRECT_URI"),
    "no redirect URI": ({"WORKOS_REDIRECT_URI": None}, "warning", "Host header"),
    "a plain redirect URI": (
        {"WORKOS_REDIRECT_URI": "http://app.example.com/auth/callback"},
        "fault",
        "must be https",
    ),
    "another callback": (
        {"WORKOS_REDIRECT_URI": "https://app.example.com/callback"},
        "fault",
        "must end in /auth/callback",
    ),
    "Secure over http": (
        {"WORKOS_REDIRECT_URI": HTTP, "WORKOS_COOKIE_SECURE": True},
        "fault",
        "WORKOS_COOKIE_SECURE is on and",
    ),
    "a cookie for http": (
        {"WORKOS_REDIRECT_URI": None, "WORKOS_COOKIE_SECURE": False},
        "warning",
        "is not Secure",
    ),
    "a Domain (security C1)": (
        {"WORKOS_COOKIE_DOMAIN": "example.com"},
        "warning",
        "every host of this domain",
    ),
    "a Domain that the app is not in": (
        {"WORKOS_COOKIE_DOMAIN": "acme.test"},
        "fault",
        "is acme.test, and the app is at app.example.com: the browser refuses",
    ),
    "a Domain that ends in the same letters": (
        {"WORKOS_COOKIE_DOMAIN": "p.example.com"},
        "fault",
        "is p.example.com, and the app is at app.example.com",
    ),
    "a Domain that one of two hosts is not in": (
        {
            "WORKOS_COOKIE_DOMAIN": "example.com",
            "WORKOS_REDIRECT_URI": [f"https://{each}/auth/callback" for each in HOSTS],
        },
        "fault",
        "and the app is at app.acme.test",
    ),
    "a Domain that is the host": (
        {"WORKOS_COOKIE_DOMAIN": "app.example.com"},
        "warning",
        "every host of this domain",
    ),
    "a name without prefix": ({"WORKOS_COOKIE_NAME": "sid"}, "warning", "has not the prefix"),
    "a cookie for frames": ({"WORKOS_COOKIE_SAMESITE": "none"}, "warning", "other sites make"),
    "tests in public": ({"TESTING": True}, "fault", "TESTING is on"),
    "no maximum length (security C6)": (
        {"WORKOS_SESSION_MAX_LENGTH": None},
        "warning",
        "for 400 days",
    ),
    "minutes for seconds": (
        {"WORKOS_SESSION_INACTIVITY_TIMEOUT": 30},
        "fault",
        "WORKOS_SESSION_INACTIVITY_TIMEOUT is 30 seconds",
    ),
    "an inactivity timeout of a token's life": (
        {"WORKOS_SESSION_INACTIVITY_TIMEOUT": 300},
        "warning",
        "is not longer than an access token lives (300, WorkOS's default)",
    ),
    "one of less than two lives": (
        {"WORKOS_SESSION_INACTIVITY_TIMEOUT": 599},
        "warning",
        "less than two lives",
    ),
    "one that never comes": (
        {"WORKOS_SESSION_INACTIVITY_TIMEOUT": 8 * 3600},
        "warning",
        "nobody is ever inactive",
    ),
    "an early warning": ({"WORKOS_UI_WARN": 1000}, "warning", "WORKOS_UI_WARN is 1000"),
    "no polls": ({"WORKOS_UI_POLL": 0}, "warning", "does not hear"),
    "push without streams": (
        {"WORKOS_UI_PUSH": "sse"},
        "warning",
        "WORKOS_UI_PUSH_STREAMS is not set: the app starts only where gevent",
    ),
    "memory (security R7)": (
        {"WORKOS_CACHE_TYPE": "memory"},
        "fault",
        "no other process hears of a sign-out",
    ),
    "sessions in memory": (
        {"WORKOS_CACHE_TYPE": "memory", "WORKOS_SESSION_STORE": "cache"},
        "fault",
        "WORKOS_SESSION_STORE=cache needs a cache that all processes share",
    ),
    "Redis without TLS": (
        {**REDIS, "WORKOS_CACHE_REDIS_URL": "redis://:pw@redis.example.com/0"},
        "warning",
        "without TLS",
    ),
    "Redis without a password": (
        {**REDIS, "WORKOS_CACHE_REDIS_URL": "rediss://redis.example.com/0"},
        "warning",
        "has no password",
    ),
    "LocalWorkOS in public (security S8)": (
        {"WORKOS_BASE_URL": "http://127.0.0.1:9"},
        "warning",
        "signs anybody in as anybody",
    ),
    "another WorkOS": (
        {"WORKOS_BASE_URL": "https://workos.example.com"},
        "warning",
        "is workos.example.com, not api.workos.com",
    ),
    "no issuer": ({"WORKOS_ISSUER": None}, "warning", "`iss` is not checked"),
    "no webhooks": (
        {"WORKOS_WEBHOOK_SECRET": None},
        "warning",
        "a leaver is noticed after up to a token's life (300 seconds)",
    ),
}


def planted(healthy, change):
    settings = {**healthy, **change}
    return {name: value for name, value in settings.items() if value is not None}


def told(diagnosis):
    return [(each["level"], f"{each['what']} {each['remedy']}") for each in diagnosis.wrong]


def test_an_app_that_is_well(diagnose, healthy):
    well = diagnose(healthy, "--offline", "--strict")
    assert (well.wrong, well.status, well.exit_code) == ([], "ok", 0)


def test_what_is_said_of_an_app_that_is_well(diagnose, healthy):
    found = diagnose(healthy, "--offline").findings
    assert [
        (each["check"], each["what"])
        for each in found
        if each["check"] not in ("versions", "settings")
    ] == [
        ("app", "The app examined starts."),
        ("password-strength", "WORKOS_COOKIE_PASSWORD has 64 characters."),
        ("redirect-uri", "WorkOS sends people back to https://app.example.com/auth/callback."),
        ("cookie-secure", "The session cookie is Secure and HttpOnly."),
        ("cookie-name", "The session cookie is __Host-wos-session."),
        ("proxy", "ProxyFix is there. See that its numbers are those of your proxies."),
        ("max-length", "A session lasts 28800 seconds at most."),
        ("inactivity-timeout", "A session ends after 1800 seconds without activity."),
        ("polling", "An open page asks every 30 seconds."),
        ("directory", "The directory of the shared state will be made by the app."),
        ("issuer", "Only tokens of the set issuers are accepted."),
        (
            "news",
            "Webhooks are accepted if WORKOS_WEBHOOK_SECRET has signed them: "
            "send a test event to be sure.",
        ),
    ]


#: What is right in another way than in the app that is well, and what is said of it.
RIGHT = {
    "a prefix": (
        {"WORKOS_REDIRECT_URI": "https://app.example.com/team/auth/callback"},
        "redirect-uri",
        "The app is to be served below /team (SCRIPT_NAME).",
    ),
    "this machine": (
        {"WORKOS_REDIRECT_URI": HTTP},
        "cookie-secure",
        "The session cookie is not Secure: on this machine only.",
    ),
    "a name with its prefix": (
        {"WORKOS_COOKIE_NAME": "__Host-team"},
        "cookie-name",
        "The session cookie is __Host-team.",
    ),
    "two lives of a token": (
        {"WORKOS_SESSION_INACTIVITY_TIMEOUT": 600},
        "inactivity-timeout",
        "A session ends after 600 seconds without activity.",
    ),
    "no inactivity timeout": (
        {"WORKOS_SESSION_INACTIVITY_TIMEOUT": None},
        "inactivity-timeout",
        "WORKOS_SESSION_INACTIVITY_TIMEOUT is not set: right only if the dashboard has none.",
    ),
    "streams": (
        {"WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 4},
        "push",
        "A process has 4 streams at most: see that its server has four times as many threads, or "
        "greenlets.",
    ),
    "push alone": (
        {"WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 4, "WORKOS_UI_POLL": 0},
        "polling",
        "An open page does not ask: it is told by push alone.",
    ),
    "tests on this machine": (
        {"WORKOS_REDIRECT_URI": HTTP, "TESTING": True, "WORKOS_CACHE_DIR": None},
        "memory",
        "State is in memory, for tests.",
    ),
    "LocalWorkOS on this machine": (
        {"WORKOS_REDIRECT_URI": HTTP, "WORKOS_BASE_URL": "http://127.0.0.1:9"},
        "redirect-uri",
        f"WorkOS sends people back to {HTTP}.",
    ),
    "a warning as early as can be": (
        {"WORKOS_UI_WARN": 300},
        "polling",
        "An open page asks every 30 seconds.",
    ),
}


@pytest.mark.parametrize(("change", "check", "what"), RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_not_warned_of(diagnose, healthy, change, check, what):
    found = diagnose(planted(healthy, change), "--offline")
    assert found.wrong == []
    assert what in [each["what"] for each in found.findings if each["check"] == check]


@pytest.mark.parametrize(
    ("setting", "checks"),
    [
        ("WORKOS_REDIRECT_URI", {"redirect-uri", "cookie-secure"}),
        ("WORKOS_COOKIE_SECURE", {"cookie-secure"}),
        ("WORKOS_SESSION_MAX_LENGTH", {"max-length"}),
        ("WORKOS_SESSION_INACTIVITY_TIMEOUT", {"inactivity-timeout"}),
        ("WORKOS_UI_POLL", {"polling"}),
        ("WORKOS_UI_PUSH_STREAMS", {"push"}),
        ("WORKOS_CACHE_TYPE", {"directory"}),
        ("WORKOS_CACHE_DIR", {"directory"}),
        ("WORKOS_BASE_URL", {"base-url"}),
        ("WORKOS_ISSUER", {"issuer"}),
        ("WORKOS_WEBHOOK_SECRET", {"news"}),
        ("WORKOS_COOKIE_PASSWORD", {"password-strength"}),
    ],
)
def test_nothing_is_said_on_the_ground_of_a_setting_that_cannot_be_read(
    diagnose, healthy, setting, checks
):
    odd = {**healthy, "WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 4, setting: ["", ()]}
    found = diagnose(odd, "--offline")
    assert [each["check"] for each in found.wrong if each["level"] == "fault"] == [
        "app",
        "configuration",
    ]
    assert not checks & {each["check"] for each in found.findings}


def test_a_name_that_browsers_refuse_is_told_once(diagnose, healthy):
    found = diagnose({**healthy, "WORKOS_COOKIE_NAME": "two words"}, "--offline")
    assert [each["check"] for each in found.wrong] == ["app", "configuration"]
    assert "cookie-name" not in {each["check"] for each in found.findings}


@pytest.mark.parametrize(("change", "level", "words"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found(diagnose, healthy, change, level, words):
    settings = planted(healthy, change)
    found = diagnose(settings, "--offline")
    assert [each for each, text in told(found) if words in text] == [level]
    assert found.exit_code == (1 if level == "fault" else 0)
    assert diagnose(settings, "--offline", "--strict").exit_code == 1


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [each for each in PLANTED.values() if each[1] == "warning"],
    ids=[name for name, each in PLANTED.items() if each[1] == "warning"],
)
def test_a_warning_says_what_to_do(diagnose, healthy, change, level, words):
    found = diagnose(planted(healthy, change), "--offline")
    assert all(each["remedy"] for each in found.wrong)


@pytest.mark.parametrize(
    ("trusted", "words"),
    [
        (None, "There is no ProxyFix"),
        ({"x_for": 0}, "does not read X-Forwarded-For"),
        ({"x_proto": 0}, "does not read X-Forwarded-Proto"),
    ],
)
def test_an_app_that_does_not_hear_the_proxy(diagnose, healthy, trusted, words):
    (found,) = told(diagnose(healthy, "--offline", proxy=trusted))
    assert found[0] == "warning"
    assert words in found[1]


def test_a_proxy_fix_below_other_middleware_is_seen(diagnose, healthy):
    well = diagnose(healthy, "--offline", wrapped=True)
    assert well.wrong == []


def test_a_proxy_is_no_matter_on_this_machine(diagnose, healthy):
    settings = {**healthy, "WORKOS_REDIRECT_URI": HTTP}
    assert diagnose(settings, "--offline", proxy=None).wrong == []


def test_a_proxy_fix_that_comes_after_an_error_is_not_missed(diagnose, healthy):
    found = diagnose({**healthy, "WORKOS_UI_PUSH": "sse"}, "--offline", proxy=None)
    assert [each["check"] for each in found.wrong] == ["push"]


def test_an_app_that_ends_tls_itself_ignores_the_proxy(diagnose, healthy):
    well = diagnose(healthy, "--offline", "--strict", "--ignore", "proxy", proxy=None)
    assert (well.status, well.exit_code, well.counts["ignored"]) == ("ok", 0, 1)


def test_push_without_streams_is_a_fault_where_there_are_no_greenlets(
    diagnose, healthy, monkeypatch
):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name in ("gevent", "eventlet") else find_spec(name, *rest),
    )
    found = told(diagnose({**healthy, "WORKOS_UI_PUSH": "sse"}, "--offline"))
    assert [level for level, _ in found] == ["fault", "fault"]
    assert "WORKOS_UI_PUSH=sse needs WORKOS_UI_PUSH_STREAMS" in found[1][1]


def test_push_without_streams_hides_no_fault(diagnose, healthy):
    found = told(diagnose({**healthy, "WORKOS_UI_PUSH": "sse", "WORKOS_UI_POLL": "x"}, "--offline"))
    assert [level for level, _ in found] == ["fault", "fault", "warning"]


def test_a_misspelt_variable(diagnose, healthy, monkeypatch):
    monkeypatch.setenv("WORKOS_REDIRECT_URIS", "https://app.example.com/auth/callback")
    monkeypatch.setenv("WORKOS_TEAM_CALENDAR", "another program's")
    monkeypatch.setenv("MY_WORKOS_REDIRECT_URI", "another program's too")
    (found,) = told(diagnose(healthy, "--offline"))
    assert "Did you mean WORKOS_REDIRECT_URI?" in found[1]


def test_a_fallback_that_is_there_once_is_not_called_twice(diagnose, healthy):
    change = {"WORKOS_COOKIE_PASSWORD_FALLBACKS": [secrets.token_hex(32), secrets.token_hex(32)]}
    (found,) = told(diagnose({**healthy, **change}, "--offline"))
    assert "is in use: 2 more are accepted." in found[1]


def test_a_warning_that_nobody_asked_to_be_early_is_not_spoken_of(diagnose, healthy):
    found = diagnose({**healthy, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 120}, "--offline")
    assert [each["check"] for each in found.wrong] == ["inactivity-timeout"]


def test_a_fault_names_its_setting(diagnose, healthy):
    found = diagnose({**healthy, "WORKOS_UI_WARN": "soon"}, "--offline")
    assert [each["setting"] for each in found.wrong] == ["", "WORKOS_UI_WARN"]


def test_every_fault_is_told_at_once(diagnose, healthy):
    change = {"WORKOS_API_KEY": None, "WORKOS_UI_WARN": "soon", "WORKOS_UI_PUSH": "sse"}
    found = diagnose(planted(healthy, change), "--offline")
    faults = [text for level, text in told(found) if level == "fault"]
    assert len(faults) == 3, "one says that the app does not start"


def test_a_fault_of_a_longer_name_is_not_taken_for_this_setting_s(diagnose, healthy):
    change = {"WORKOS_WEBHOOK_SECRET": None, "WORKOS_WEBHOOK_SECRET_FALLBACKS": [""]}
    found = diagnose(planted(healthy, change), "--offline")
    assert [each["check"] for each in found.wrong] == ["app", "configuration", "news"]


def test_a_setting_that_is_wrong_is_not_told_as_missing_too(diagnose, healthy):
    change = {"WORKOS_REDIRECT_URI": "nowhere", "WORKOS_SESSION_MAX_LENGTH": "long"}
    found = diagnose(planted(healthy, change), "--offline")
    assert [level for level, _ in told(found)] == ["fault"] * 3
