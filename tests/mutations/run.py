"""Takes away one rule after the other, in a copy, and looks whether a test notices.

``make mutations`` runs it. Each mutation is a text of the sources and what it is replaced by; when
the text is gone, the script says so, and fails.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "flask_workos_sessions"


class Mutation(NamedTuple):
    """A rule that is taken away, and the tests that should notice.

    ``also``: a text of another file, and what it is replaced by.
    """

    rule: str
    path: str
    text: str
    instead: str
    tests: str
    also: tuple[str, str, str] | None = None


MUTATIONS = [
    Mutation(
        "second look after invalid_grant",
        "refresh/exchange.py",
        """        if successor is not None:
            return Renewed(successor)
        if contested""",
        "        if contested",
        "tests/refresh",
    ),
    Mutation(
        "no dead token while the store cannot be read",
        "refresh/exchange.py",
        "contested or not looked",
        "contested",
        "tests/refresh",
    ),
    Mutation(
        "store before verify",
        "refresh/exchange.py",
        "        self._rotations.record(record.refresh_token, value, until=until)\n",
        "",
        "tests/faults/test_keys.py::test_keys_that_are_away_right_after_an_exchange_cost_no_tokens",
        # Whoever asked records it, once it is verified.
        also=(
            "adoption.py",
            "        # The session may have been ended, or changed, while the exchange was under "
            "way.\n",
            "        self.refresher.rotations.record(\n"
            "            known.record.refresh_token, value, until=float(known.record.not_after)\n"
            "        )\n",
        ),
    ),
    Mutation(
        "store before the key is looked for",
        "refresh/exchange.py",
        """            result = self._renewed(order, outcome)
            self._backoff.succeeded(admission)
            self._arrived(outcome.access_token)
""",
        """            self._arrived(outcome.access_token)
            result = self._renewed(order, outcome)
            self._backoff.succeeded(admission)
""",
        "tests/refresh",
    ),
    Mutation(
        "failure memory",
        "refresh/exchange.py",
        "        self._rotations.bury(order.digest)\n",
        "",
        "tests/refresh",
    ),
    Mutation(
        "owner check of the lease",
        "coordination/lease.py",
        'self._state.discard("lease:" + name, owner)',
        'self._state.delete("lease:" + name)',
        "tests/refresh",
    ),
    Mutation(
        "look again before writing the cookie",
        "hooks.py",
        "value = parts.adoption.latest(known, opening.value)",
        "value = opening.value",
        "tests/flow/test_refresh_together.py tests/flow/test_second_look.py",
    ),
    Mutation(
        "no cookie of a session that was exchanged meanwhile",
        "adoption.py",
        "        if rotations.exchanged(",
        "        if False and rotations.exchanged(",
        "tests/flow/test_refresh_together.py",
    ),
    Mutation(
        "tombstone before adoption",
        "adoption.py",
        """        reason = self.endings.look(successor.watch)
        if reason is not None:
            return self.ended(successor, reason)
        if not successor.lives""",
        "        if not successor.lives",
        "tests/flow/test_shared_state_flow.py tests/flow/test_second_look.py",
    ),
    Mutation(
        "tombstone before an exchange",
        "opening.py",
        """        reason = self.endings.look(known.watch)
        if reason is not None:
            return self.adoption.ended(known, reason)
        asked_after""",
        "        asked_after",
        "tests/flow/test_shared_state_flow.py",
    ),
    Mutation(
        "the lease",
        "coordination/lease.py",
        'return owner if self._state.add("lease:" + name, owner, self._seconds) else None',
        "return owner",
        "tests/refresh",
    ),
    Mutation(
        "the lease begins with the exchange",
        "refresh/refresher.py",
        "owner = self._leases.renew(order.digest, taken)",
        "owner = taken",
        "tests/refresh",
    ),
    Mutation(
        "no dead token while somebody else exchanges it",
        "refresh/exchange.py",
        "contested or not looked",
        "not looked",
        "tests/refresh",
    ),
    Mutation(
        "look under the lease",
        "refresh/refresher.py",
        "result = self._settled(order, False) or self._send(order, owner)",
        "result = self._send(order, owner)",
        "tests/flow/test_shared_state_flow.py",
    ),
    Mutation(
        "a record needs the old token",
        "refresh/rotation.py",
        ', name="successor", also=refresh_token.encode()',
        ', name="successor"',
        "tests/refresh",
    ),
    Mutation(
        "an adopted session is of the same person",
        "adoption.py",
        "        if (successor.token.session_id, successor.token.subject) != (",
        "        if False and (successor.token.session_id, successor.token.subject) != (",
        "tests/flow",
    ),
    Mutation(
        "a seen successor shortens its record",
        "refresh/rotation.py",
        '            self._state.set("rotated:" + digest, value, SEEN_SECONDS)\n',
        "            pass\n",
        "tests/refresh tests/flow/test_refresh.py",
    ),
    Mutation(
        "one session's failures pause nobody else",
        "refresh/backoff.py",
        "SESSIONS = 3\n",
        "SESSIONS = 1\n",
        "tests/refresh",
    ),
    Mutation(
        "one probe after a pause",
        "refresh/backoff.py",
        'if not self._state.add(_PROBE, b"1", LEASE_SECONDS + 1):',
        "if False:",
        "tests/refresh",
    ),
    Mutation(
        "nobody probes right after a probe that failed",
        "refresh/backoff.py",
        "        if until is None or left > 0:\n            self._state.delete(_PROBE)",
        "        if until is None:\n            self._state.delete(_PROBE)",
        "tests/refresh",
    ),
    Mutation(
        "an answer that may be lost is asked for soon",
        "refresh/attempts.py",
        "calm = pause if lost else",
        "calm =",
        "tests/refresh",
    ),
    Mutation(
        "an organization that changed in flight",
        "hooks.py",
        "            raise report(OrganizationChanged())\n",
        "            pass\n",
        "tests/flow/test_refresh_together.py",
    ),
    Mutation(
        "a record is kept for a minute after it was seen",
        "refresh/rotation.py",
        "SEEN_SECONDS = 60\n",
        "SEEN_SECONDS = 20\n",
        "tests/flow/test_cookie_jar.py",
    ),
    Mutation(
        "an id is looked for among the person's own sessions",
        "active_sessions.py",
        "found = [each for each in self._listed(id_of(user)) if each.id == session_id]",
        "found = [ActiveSession(session_id, id_of(user))]",
        "tests/flow/test_active_sessions.py",
    ),
    Mutation(
        "a person's cut-off holds whatever WorkOS answers",
        "active_sessions.py",
        'self.cut_offs.end(\n            "person"',
        '(lambda *_, **__: None)(\n            "person"',
        "tests/flow/test_active_sessions.py",
    ),
    Mutation(
        "an end is remembered as long as the session could have lasted",
        "active_sessions.py",
        "max(each.expires_at or now + self.longest, now) + BEYOND_SECONDS",
        "now + 60",
        "tests/flow/test_active_sessions.py",
    ),
    Mutation(
        "a cut-off that others do not know of counts here",
        "coordination/layered.py",
        "            if not self._merges(key):\n                return found",
        "            if True:\n                return found",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "what is merged keeps what this process knows",
        "coordination/layered.py",
        "            if own is not None:\n                value = rule.merged(own",
        "            if False:\n                value = rule.merged(own",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "what is merged keeps what is there",
        "coordination/layered.py",
        "            if there is not None:\n                value = rule.merged(there",
        "            if False:\n                value = rule.merged(there",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "a write that failed is owed at once",
        "coordination/layered.py",
        "            self._owe(key)\n            return self._memory.add",
        "            return self._memory.add",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "one merges at a time",
        "coordination/layered.py",
        "        with self._store.alone(key):",
        "        if True:",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "a cut-off that a store has lost is given back",
        "coordination/layered.py",
        "            if value != found.value and",
        "            if False and",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "an end that a store has lost is given back",
        "coordination/layered.py",
        " and not self._miss(key))",
        ")",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "what the store got last is looked for",
        "coordination/layered.py",
        "        if self._last and (looks or key.startswith(LASTING)):",
        "        if False:",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "a store that has lost something is doubted",
        "coordination/layered.py",
        "self._doubted = self._doubted or not had",
        "pass",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "a store that has lost nothing is not doubted, a cut-off",
        "coordination/layered.py",
        "self._doubted = self._doubted or not had",
        "self._doubted = True",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "a loss is noticed before something else is written",
        "coordination/layered.py",
        "(looks or key.startswith(LASTING))",
        "looks",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "what was there already is not what was written last",
        "coordination/layered.py",
        "stored=stored, written=not had)",
        "stored=stored, written=True)",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "a life that was over and comes back is a loss",
        "coordination/layered.py",
        "        if _birth(life) < _birth(before):",
        "        if False:",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "what others have ended early does not come back with a new life",
        "coordination/layered.py",
        " and not key.startswith(_TAKEN_BACK):",
        ":",
        "tests/flow/test_shared_state_flow.py",
    ),
    Mutation(
        "a life outlasts a change of the password",
        "coordination/sealed_store.py",
        '_OUTLASTING = (*LASTING, "life")',
        "_OUTLASTING = LASTING",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "a new life is later than the one before",
        "coordination/layered.py",
        "max(int(self._clock() * 1000), _birth(self._life) + 1)",
        "int(self._clock() * 1000)",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "a doubt lasts until it is told",
        "coordination/layered.py",
        "        if missed and stored:\n",
        "        if missed:\n            stored = False\n        if missed and not stored:\n",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "lives are apart",
        "coordination/layered.py",
        " and self._monotonic() - self._told_at >= _LIVES_APART",
        "",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "an end of another process is remembered by that one",
        "coordination/layered.py",
        "self._store.get(key).value not in (value, None)",
        "False",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "what has run out is not lost",
        "coordination/layered.py",
        " or self._left(entry[0]) <= _NEARLY_OVER:",
        ":",
        "tests/coordination/test_store_set_back.py",
    ),
    Mutation(
        "what is lasting outlasts a change of the password",
        "coordination/sealed_store.py",
        "        if key.startswith(_OUTLASTING):",
        "        if False:",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "a cut-off is kept for as long as the longer one matters",
        "coordination/cutoffs.py",
        "max(earlier.until, later.until)",
        "min(earlier.until, later.until)",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "one process is the first to end a session while the password is changed",
        "coordination/endings.py",
        "        if others and any(",
        "        if False and any(",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "ends are recorded under their names in one order",
        "coordination/endings.py",
        "        decides, *others = sorted(keys)",
        "        decides, *others = keys",
        "tests/coordination/test_emptied_store.py",
    ),
    Mutation(
        "a session that is kept is spared by its own cut-off only",
        "coordination/cutoffs.py",
        "    if earlier.keep != later.keep:\n        firm = max(firm, earlier.at)\n",
        "",
        "tests/coordination/test_cutoffs.py",
    ),
    Mutation(
        "a token that was asked for when the change was known is newer",
        "coordination/watch.py",
        "if mark not in self.newer_than",
        "",
        "tests/flow/test_changes.py",
    ),
    Mutation(
        "two changes of one second are two",
        "coordination/cutoffs.py",
        "moment = int(at * 1000)",
        "moment = int(at) * 1000",
        "tests/coordination/test_cutoffs.py tests/flow/test_changes.py",
    ),
    Mutation(
        "what is known of one change says nothing of another",
        "coordination/watch.py",
        "if mark not in self.newer_than",
        "if not self.newer_than",
        "tests/coordination/test_cutoffs.py tests/flow/test_changes.py",
    ),
    Mutation(
        "a change that is recorded later is another one, though an earlier is stamped ahead",
        "coordination/cutoffs.py",
        "math.ceil((self._clock() + seconds) * 1000)",
        "math.ceil(self._clock() + seconds) * 1000",
        "tests/coordination/test_cutoffs.py tests/flow/test_reactions.py",
    ),
    Mutation(
        "that our clock was put back puts WorkOS's time not back",
        "workos/time.py",
        " + max(0.0, -self._set_by())",
        "",
        "tests/workos/test_time.py",
    ),
    Mutation(
        "what WorkOS has refused stays refused",
        "opening.py",
        "        if self.refresher.refused(known.record):\n            return True",
        "        if False:\n            return True",
        "tests/flow/test_changes.py",
    ),
    Mutation(
        "a store that is born asks for one exchange",
        "opening.py",
        " or _mark_of_birth(born) in known.record.asked_after",
        "",
        "tests/flow/test_changes.py",
    ),
    Mutation(
        "one exchange does not prove a token newer",
        "refresh/exchange.py",
        "newer_than=order.newer_than",
        "newer_than=order.asked_after",
        "tests/flow/test_changes.py tests/refresh",
    ),
    Mutation(
        "only an exchange takes a place",
        "opening.py",
        "_LOOK_SECONDS and not changed:",
        "_LOOK_SECONDS:",
        "tests/flow/test_changes.py",
    ),
    Mutation(
        "a session that pauses takes no place",
        "opening.py",
        "not self.refresher.waits(known.record)",
        "not self.refresher.under_way(known.record)",
        "tests/flow/test_changes.py",
    ),
    Mutation(
        "an end after an exchange is told by name",
        "adoption.py",
        "            return self.ended(successor, reason)",
        "            return self.ended(known, reason)",
        "tests/flow/test_changes.py",
    ),
    Mutation(
        "WorkOS hears that others do not know",
        "reactions.py",
        "        elif not shared:\n            raise Unrecorded",
        "        elif False:\n            raise Unrecorded",
        "tests/flow/test_reactions.py",
    ),
    Mutation(
        "a membership that is not active is confirmed",
        "reactions.py",
        'event.data.get("status") != "active"',
        "False",
        "tests/flow/test_reactions.py",
    ),
    Mutation(
        "the app's own ends are of WorkOS's time",
        "active_sessions.py",
        "at=self.client.now(),\n",
        "at=self.clock(),\n",
        "tests/flow/test_active_sessions.py",
    ),
    Mutation(
        "a cursor that cannot be read is not written over",
        "events_poller.py",
        "        if not kept.given:\n",
        "        if False:\n",
        "tests/test_events_poller.py",
    ),
]


def main() -> int:
    """Try every mutation; 1 when one of them went unnoticed."""
    unnoticed = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy")
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", "instance")
        shutil.copytree(ROOT, copy, ignore=ignored)
        if _fails(copy, " ".join({mutation.tests: None for mutation in MUTATIONS})):
            raise SystemExit("These tests fail as it is: nothing can be learnt from them.")
        for mutation in MUTATIONS:
            noticed = _try(copy, mutation)
            print(f"{'noticed' if noticed else 'UNNOTICED':10} {mutation.rule}", flush=True)
            if not noticed:
                unnoticed.append(mutation.rule)
    return 1 if unnoticed else 0


def _try(copy: Path, mutation: Mutation) -> bool:
    edits = [(mutation.path, mutation.text, mutation.instead)]
    if mutation.also is not None:
        edits.append(mutation.also)
    before = {name: copy.joinpath(PACKAGE, name).read_text() for name, _, _ in edits}
    for name, text, _ in edits:
        if text not in before[name]:
            raise SystemExit(f"The text of “{mutation.rule}” is no longer in {name}.")
    try:
        for name, text, instead in edits:
            copy.joinpath(PACKAGE, name).write_text(before[name].replace(text, instead))
        return _fails(copy, mutation.tests)
    finally:
        for name, source in before.items():
            copy.joinpath(PACKAGE, name).write_text(source)


def _fails(copy: Path, tests: str) -> bool:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *set(tests.split())],
        cwd=copy,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(copy)},
        capture_output=True,
        check=False,
    )
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.stdout.decode()[-2000:])
    return ended.returncode == 1


if __name__ == "__main__":
    sys.exit(main())
