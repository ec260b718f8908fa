"""Every setting is checked, and every fault is told at once (security S8, S9, S10)."""

import secrets

import pytest

from flask_workos_sessions.errors import ConfigurationError
from flask_workos_sessions.settings import load_settings

GOOD = {
    "WORKOS_API_KEY": "sk_test_1",
    "WORKOS_CLIENT_ID": "client_1",
    "WORKOS_COOKIE_PASSWORD": secrets.token_urlsafe(48),
    "WORKOS_REDIRECT_URI": "https://app.acme.test/auth/callback",
}


def faults(environ=None, **config):
    with pytest.raises(ConfigurationError) as caught:
        load_settings({**GOOD, **config}, environ or {})
    return caught.value.faults


def test_good_settings_are_accepted():
    settings = load_settings(GOOD, {})
    assert settings.api_key == "sk_test_1"
    assert settings.redirect_uri == ("https://app.acme.test/auth/callback",)


def test_all_missing_settings_are_listed_in_one_error():
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, {})
    message = str(caught.value)
    for name in ("WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"):
        assert f"{name} is missing" in message


def test_the_environment_is_read_where_the_config_is_silent():
    settings = load_settings(
        {**GOOD, "WORKOS_API_KEY": None}, {"WORKOS_API_KEY": "sk_env", "WORKOS_CLIENT_ID": "other"}
    )
    assert settings.api_key == "sk_env"
    assert settings.client_id == "client_1"


def test_lists_in_the_environment_are_json():
    environ = {"WORKOS_PROTECTED_PATHS": '["/app/*", "/x"]'}
    assert load_settings(GOOD, environ).protected_paths == ("/app/*", "/x")


def test_a_fault_in_the_environment_says_so():
    assert "in the environment" in faults({"WORKOS_UI_WARN": "soon"})[0]


def test_security_s10_an_unknown_key_is_an_error_with_the_nearest_name():
    (fault,) = faults(WORKOS_PROTECT_AL=True)
    assert "WORKOS_PROTECT_ALL?" in fault


@pytest.mark.parametrize("password", ["short", "", " ", "secret,", "x" * 40, "a b" * 3])
def test_security_s9_a_weak_or_blank_cookie_password_is_an_error(password):
    (fault,) = faults(WORKOS_COOKIE_PASSWORD=password)
    assert fault.startswith("WORKOS_COOKIE_PASSWORD")


@pytest.mark.parametrize(
    "example",
    ["your-cookie-password-at-least-32-characters", "0123456789abcdef0123456789abcdef-test"],
)
def test_security_s9_example_passwords_are_refused(example):
    (fault,) = faults(WORKOS_COOKIE_PASSWORD=example)
    assert "example" in fault


def test_security_s9_each_fallback_password_is_checked():
    (fault,) = faults(WORKOS_COOKIE_PASSWORD_FALLBACKS=[secrets.token_urlsafe(48), ""])
    assert fault.startswith("WORKOS_COOKIE_PASSWORD_FALLBACKS")


def test_security_s9_a_secret_is_never_in_the_error():
    fault = " ".join(faults(WORKOS_COOKIE_PASSWORD="tooShortSecret99"))
    assert "tooShortSecret99" not in fault


@pytest.mark.parametrize("name", ["WORKOS_REDIRECT_URI", "WORKOS_BASE_URL"])
def test_security_s8_plain_http_is_for_loopback_only(name):
    path = "/auth/callback" if name == "WORKOS_REDIRECT_URI" else ""
    assert "https" in faults(**{name: f"http://app.acme.test{path}"})[0]
    for host in ("127.0.0.1:5000", "localhost", "[::1]:5000"):
        load_settings({**GOOD, name: f"http://{host}{path}"}, {})


@pytest.mark.parametrize("host", ["[oops", "a.test:99999", "a.test:abc"])
@pytest.mark.parametrize(
    "name", ["WORKOS_REDIRECT_URI", "WORKOS_BASE_URL", "WORKOS_SIGN_OUT_RETURN_TO"]
)
def test_a_host_or_port_that_cannot_be_is_a_fault(name, host):
    assert "absolute http(s) URL" in faults(**{name: f"https://{host}/auth/callback"})[0]


@pytest.mark.parametrize(
    "prefix", ["auth", "/", "/auth/", "/a//b", "/<name>", "/auth?a", "/auth#a"]
)
def test_a_prefix_that_is_no_path_is_a_fault(prefix):
    assert "must be a path" in faults(WORKOS_URL_PREFIX=prefix)[0]


def test_the_redirect_uri_must_be_our_callback():
    (fault,) = faults(WORKOS_REDIRECT_URI="https://app.acme.test/elsewhere")
    assert "/auth/callback" in fault
    load_settings(
        {
            **GOOD,
            "WORKOS_URL_PREFIX": "/sso",
            "WORKOS_REDIRECT_URI": "https://app.acme.test/sso/callback",
        },
        {},
    )


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"WORKOS_COOKIE_SAMESITE": "strict"}, "AuthKit"),
        (
            {
                "WORKOS_COOKIE_SAMESITE": "none",
                "WORKOS_REDIRECT_URI": "http://localhost/auth/callback",
            },
            "Secure",
        ),
        (
            {
                "WORKOS_COOKIE_SECURE": True,
                "WORKOS_REDIRECT_URI": "http://localhost/auth/callback",
            },
            "https",
        ),
        ({"WORKOS_COOKIE_NAME": "__Host-x", "WORKOS_COOKIE_DOMAIN": "acme.test"}, "__Host-"),
        ({"WORKOS_COOKIE_NAME": "a b"}, "ASCII"),
        (
            {
                "WORKOS_REDIRECT_URI": [
                    "https://a.test/auth/callback",
                    "http://localhost/auth/callback",
                ]
            },
            "mixes",
        ),
    ],
)
def test_conflicting_settings_are_an_error(config, word):
    assert any(word in fault for fault in faults(**config))


@pytest.mark.parametrize("name", ["WORKOS_PROTECTED_PATHS", "WORKOS_PUBLIC_PATHS"])
def test_security_s10_a_path_pattern_without_a_slash_would_protect_nothing(name):
    assert "leading slash" in faults(**{name: ["app/*"]})[0]


def test_the_issuers_may_be_a_list_with_commas_as_workos_has_it():
    settings = load_settings(GOOD, {"WORKOS_ISSUER": "https://a.test, https://b.test"})
    assert settings.issuer == ("https://a.test", "https://b.test")


def test_the_callback_may_lie_below_the_prefix_of_a_mounted_app():
    uri = "https://app.acme.test/team/auth/callback"
    assert load_settings({**GOOD, "WORKOS_REDIRECT_URI": uri}, {}).redirect_uri == (uri,)


def test_swapped_keys_are_told_before_the_secret_gets_into_a_url():
    told = faults(WORKOS_API_KEY="client_01ABC", WORKOS_CLIENT_ID="sk_test_abcdef")
    assert [fault.split()[0] for fault in told] == ["WORKOS_API_KEY", "WORKOS_CLIENT_ID"]
    assert "abcdef" not in " ".join(told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKOS_PROTECTED_PATHS", "/app/*,/api/*"),
        ("WORKOS_REDIRECT_URI", "https://a.test/auth/callback,https://b.test/auth/callback"),
    ],
)
def test_a_text_with_commas_is_no_list(name, value):
    assert "list" in faults({name: value}, **{name: None})[0]


@pytest.mark.parametrize("domain", ["https://acme.test", "acme", "acme.test:443", "acme.test/x"])
def test_a_cookie_domain_is_a_domain(domain):
    assert "must be a domain" in faults(WORKOS_COOKIE_DOMAIN=domain)[0]


def test_several_faults_come_in_one_error():
    assert (
        len(faults(WORKOS_UI_WARN="soon", WORKOS_SESSION_STORE="attic", WORKOS_COOKIE_SECURE=3))
        == 3
    )


def test_security_c1_the_cookie_name_carries_the_prefix_that_it_may():
    assert load_settings(GOOD, {}).session_cookie == "__Host-wos-session"
    with_domain = load_settings({**GOOD, "WORKOS_COOKIE_DOMAIN": "acme.test"}, {})
    assert with_domain.session_cookie == "__Secure-wos-session"
    plain = load_settings({**GOOD, "WORKOS_REDIRECT_URI": "http://localhost/auth/callback"}, {})
    assert plain.session_cookie == "wos-session"
    assert load_settings({**GOOD, "WORKOS_COOKIE_NAME": "mine"}, {}).session_cookie == "mine"


def test_the_repr_shows_no_secret():
    shown = repr(load_settings(GOOD, {}))
    assert GOOD["WORKOS_COOKIE_PASSWORD"] not in shown
    assert GOOD["WORKOS_API_KEY"] not in shown
    assert "client_1" in shown


def test_the_warning_never_begins_before_extending_moves_the_end():
    """In the first half of the inactivity timeout; what is told is five seconds less than true."""
    assert load_settings({**GOOD, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 110}, {}).warn == 49
    assert load_settings({**GOOD, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 1800}, {}).warn == 120
    assert load_settings(GOOD, {}).warn == 120


def test_the_quiet_banner_never_shows_before_that_either():
    assert load_settings({**GOOD, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 500}, {}).notice == 244
    assert load_settings({**GOOD, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 1800}, {}).notice == 300
    assert load_settings({**GOOD, "WORKOS_UI_NOTICE": 0}, {}).notice == 0
    assert load_settings(GOOD, {}).notice == 300


@pytest.mark.parametrize("timeout", [0, 1, 30, "59"])
def test_an_inactivity_timeout_in_which_nobody_can_be_warned_is_refused(timeout):
    """Thirty is what somebody sets who thinks of minutes."""
    (fault,) = faults(WORKOS_SESSION_INACTIVITY_TIMEOUT=timeout)
    assert fault.startswith(f"WORKOS_SESSION_INACTIVITY_TIMEOUT is {timeout} seconds")
    assert "30 minutes are 1800" in fault


def test_the_shortest_inactivity_timeout_leaves_time_to_answer():
    """WCAG 2.2.1."""
    assert load_settings({**GOOD, "WORKOS_SESSION_INACTIVITY_TIMEOUT": 60}, {}).warn >= 20


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("WORKOS_UI_POLL", 4, "at least 5"),
        ("WORKOS_UI_POLL", -1, "0 or more"),
        ("WORKOS_UI_NOTICE", -1, "0 or more"),
        ("WORKOS_UI_ACTIVITY", "mouse", "input, requests"),
        ("WORKOS_UI_ON_END", "logout", "overlay, replace"),
        ("WORKOS_UI_SHOW", "never", "true or false"),
        ("WORKOS_UI_TITLE", 7, "true or false"),
        ("WORKOS_UI_FRAMES", "all", "true or false"),
    ],
)
def test_what_the_page_is_told_is_checked(name, value, word):
    (fault,) = faults(**{name: value})
    assert fault.startswith(name)
    assert word in fault


@pytest.mark.parametrize("poll", [0, 5, "60"])
def test_a_page_polls_never_or_not_too_often(poll):
    assert load_settings({**GOOD, "WORKOS_UI_POLL": poll}, {}).ui_poll == int(poll)


def test_where_state_is_shared_when_nothing_is_set():
    assert load_settings(GOOD, {}).cache_type_for(testing=False) == "sqlite"
    assert load_settings(GOOD, {}).cache_type_for(testing=True) == "memory"
    with_url = load_settings({**GOOD, "WORKOS_CACHE_REDIS_URL": "redis://cache:6379/1"}, {})
    assert with_url.cache_type_for(testing=False) == "redis"
    assert with_url.cache_type_for(testing=True) == "memory"


@pytest.mark.parametrize("kind", ["sqlite", "redis", "memory"])
def test_where_state_is_shared_can_be_set_and_then_holds_in_tests_too(kind):
    more = {"WORKOS_CACHE_REDIS_URL": "redis://cache"} if kind == "redis" else {}
    settings = load_settings({**GOOD, "WORKOS_CACHE_TYPE": kind, **more}, {})
    assert settings.cache_type_for(testing=True) == settings.cache_type_for(testing=False) == kind


@pytest.mark.parametrize("kind", ["SimpleCache", "FileSystemCache", "MemcachedCache", "NullCache"])
def test_security_r5_other_caches_are_refused_with_the_reason(kind):
    (fault,) = faults(WORKOS_CACHE_TYPE=kind)
    assert fault.startswith("WORKOS_CACHE_TYPE must be one of sqlite, redis, memory;")
    assert "unpickle" in fault


@pytest.mark.parametrize("name", ["WORKOS_CACHE_THRESHOLD", "WORKOS_CACHE_KEY_PREFIX"])
def test_security_s10_an_unknown_setting_of_the_cache_is_an_error_with_those_there_are(name):
    (fault,) = faults(**{name: 1})
    assert "WORKOS_CACHE_DIR, WORKOS_CACHE_REDIS_URL, WORKOS_CACHE_TYPE" in fault


@pytest.mark.parametrize(
    "url",
    ["cache:6379", "http://cache", "redis://", "unix://", "redis://[oops", "redis://cache:99999"],
)
def test_a_redis_url_is_one_and_is_not_repeated(url):
    (fault,) = faults(WORKOS_CACHE_REDIS_URL=url)
    assert fault.startswith("WORKOS_CACHE_REDIS_URL must be")


def test_redis_needs_an_address_and_its_client(monkeypatch):
    assert "WORKOS_CACHE_REDIS_URL" in faults(WORKOS_CACHE_TYPE="redis")[0]
    url = {"WORKOS_CACHE_REDIS_URL": "redis://:pa55@cache"}
    assert "leave one unset" in faults(**url, WORKOS_CACHE_TYPE="sqlite")[0]
    assert "pa55" not in repr(load_settings({**GOOD, **url}, {}))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "[redis]" in faults(**url)[0]


def test_the_directory_of_the_shared_file_does_not_depend_on_where_one_stands(tmp_path):
    assert "absolute" in faults(WORKOS_CACHE_DIR="state")[0]
    assert load_settings({**GOOD, "WORKOS_CACHE_DIR": tmp_path}, {}).cache_dir == str(tmp_path)
