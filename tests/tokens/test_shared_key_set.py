"""The key set that processes share: one fetch of a new key serves all of them."""

from __future__ import annotations

import pytest

from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.tokens.jwks import KeySetCache, KeysUnavailable, KeyUnknown
from flask_workos_sessions.tokens.key_set import KeySet

HOUR = 3600


class Site:
    """Several processes, what they share, and what WorkOS publishes (or an exception)."""

    def __init__(self, clock, jwks) -> None:
        self.clock = clock
        self.state = MemoryState(clock=clock)
        self.published = jwks
        self.fetches = 0

    def process(self) -> KeySetCache:
        return KeySetCache(self._fetch, clock=self.clock, state=self.state)

    def _fetch(self):
        self.fetches += 1
        if isinstance(self.published, Exception):
            raise self.published
        return self.published


@pytest.fixture
def site(clock, issuer) -> Site:
    return Site(clock, issuer.jwks())


def test_a_new_process_starts_with_what_another_fetched(site, clock):
    site.process().find("key_1", clock())
    site.published = OSError("down")
    assert site.process().find("key_1", clock())
    assert site.fetches == 1


def test_one_fetch_of_a_new_key_serves_all(site, clock, issuer):
    processes = [site.process() for _ in range(8)]
    for each in processes:
        each.find("key_1", clock())
    site.published = issuer.jwks("key_1", "key_2")
    clock.now += 61
    assert all(each.find("key_2", clock()) for each in processes)
    assert site.fetches == 2


def test_a_new_key_is_found_there_though_this_process_may_not_fetch(site, clock, issuer):
    one, two = site.process(), site.process()
    one.find("key_1", clock())
    clock.now += 50
    site.state.delete("jwks")
    two.find("key_1", clock())  # its fetch of this minute
    site.published = issuer.jwks("key_1", "key_2")
    clock.now += 11
    assert one.find("key_2", clock())
    assert two.find("key_2", clock())
    assert site.fetches == 3


def test_a_fresh_set_of_another_process_spares_the_hourly_fetch(site, clock, issuer):
    one, two = site.process(), site.process()
    one.find("key_1", clock())
    two.find("key_1", clock())
    clock.now += HOUR + 1
    one.find("key_1", clock())
    two.find("key_1", clock())
    assert site.fetches == 2
    # It has not used up its minute for that.
    site.published = issuer.jwks("key_2")
    clock.now += 1
    assert two.find("key_2", clock())
    assert site.fetches == 3


def test_a_stale_set_serves_a_new_process_and_is_fetched_anew(site, clock):
    site.process().find("key_1", clock())
    clock.now += 23 * HOUR
    site.published = OSError("down")
    assert site.process().find("key_1", clock())
    clock.now += HOUR + 1
    with pytest.raises(KeysUnavailable):
        site.process().find("key_1", clock())


def test_security_c5_an_older_set_does_not_bring_a_withdrawn_key_back(site, clock, issuer):
    one, two = site.process(), site.process()
    one.find("key_1", clock())
    kept = site.state.get("jwks")
    site.published = issuer.jwks("key_2")
    clock.now += 61
    two.find("key_2", clock())
    site.state.set("jwks", kept, 60)
    clock.now += 2
    with pytest.raises((KeyUnknown, KeysUnavailable)):
        two.find("key_1", clock())
    assert not two.holds("key_1")


def test_security_c5_a_set_is_not_older_than_24_hours_wherever_it_lay(site, clock, issuer):
    site.process().find("key_1", clock())
    kept = site.state.get("jwks")
    site.published = OSError("down")
    clock.now += 24 * HOUR + 1
    site.state.set("jwks", kept, 1000)
    with pytest.raises(KeysUnavailable):
        site.process().find("key_1", clock())
    site.published = issuer.jwks()
    assert site.process().find("key_1", clock())


def test_no_key_is_called_unknown_because_of_what_another_fetched(site, clock):
    """Its clock may be wrong by any amount; only our own fetch counts."""
    site.process().find("key_1", clock())
    late = site.process()
    late.find("key_1", clock())
    site.published = OSError("down")
    with pytest.raises(KeysUnavailable):
        late.find("key_2", clock() - HOUR)


def test_it_is_looked_at_once_a_second_at_most(site, clock, monkeypatch):
    process, looks = site.process(), []
    process.find("key_1", clock())
    monkeypatch.setattr(site.state, "get", looks.append)
    for number in range(1000):
        with pytest.raises((KeyUnknown, KeysUnavailable)):
            process.find(f"unknown_{number}", clock())
        clock.now += 0.01
    assert len(looks) <= 10


def test_who_holds_the_key_does_not_look(site, clock, monkeypatch):
    process = site.process()
    process.find("key_1", clock())
    monkeypatch.setattr(site.state, "get", lambda _: pytest.fail("looked"))
    clock.now += HOUR
    assert process.find("key_1", clock())


@pytest.mark.parametrize(
    "value",
    [
        b"", b"{", b"\xff", b"[]", b"null", b"7", b'{"keys": []}', b'{"fetched_at": 1}',
        b'{"fetched_at": null, "keys": [{"kid": "key_1"}]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_key_set_is_not_used(site, clock, value):
    site.state.set("jwks", value, 100)
    assert site.process().find("key_1", clock())
    assert site.fetches == 1


def test_only_public_members_that_are_needed_are_shared(site, clock):
    site.process().find("key_1", clock())
    found = KeySet.from_bytes(site.state.get("jwks"), 1)
    assert found is not None
    assert not found.own
    (key,) = found.keys.values()
    assert set(key.as_dict()) == {"kty", "n", "e", "kid"}


def test_a_set_that_is_too_long_is_not_shared(site, clock, issuer):
    entry = issuer.jwks()["keys"][0]
    site.published = {"keys": [{**entry, "kid": f"key_{number}"} for number in range(50)]}
    assert site.process().find("key_1", clock())
    assert site.state.get("jwks") is None
