"""What the team has written. It lives in memory, so a restart begins with an empty board."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

#: Notes that one team keeps; the oldest go first.
MOST = 200


@dataclass(frozen=True, slots=True)
class Note:
    """A question for the team, and whether it is decided. ``author_id`` is WorkOS's user id."""

    id: int
    title: str
    text: str
    author_id: str
    author: str
    written_at: datetime
    decided_by: str | None = None


class Board:
    """The notes of every team: an organization, or one person who belongs to none."""

    def __init__(self) -> None:
        self._teams: dict[str, dict[int, Note]] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def notes(self, team: str, search: str = "") -> list[Note]:
        """The team's notes with ``search`` in them, the newest first."""
        wanted = search.casefold().split()
        with self._lock:
            notes = list(self._teams.get(team, {}).values())
        return [
            note
            for note in reversed(notes)
            if all(word in f"{note.title} {note.text} {note.author}".casefold() for word in wanted)
        ]

    def add(self, team: str, *, title: str, text: str, author_id: str, author: str) -> Note:
        """Write a note."""
        with self._lock:
            notes = self._teams.setdefault(team, {})
            note = Note(next(self._ids), title, text, author_id, author, datetime.now(UTC))
            notes[note.id] = note
            while len(notes) > MOST:
                del notes[next(iter(notes))]
        return note

    def decide(self, team: str, note_id: int, by: str) -> bool:
        """Mark one of the team's notes as decided; ``False`` when it is not there."""
        with self._lock:
            note = self._teams.get(team, {}).get(note_id)
            if note is None:
                return False
            if note.decided_by is None:
                self._teams[team][note_id] = replace(note, decided_by=by)
        return True

    def remove(self, team: str, note_id: int) -> bool:
        """Take a note off the board; ``False`` when it is not there."""
        with self._lock:
            return self._teams.get(team, {}).pop(note_id, None) is not None

    def authors(self, team: str) -> list[tuple[str, int, int]]:
        """Who has written: name, notes, and how many of them are decided."""
        counts: dict[str, tuple[str, int, int]] = {}
        for note in reversed(self.notes(team)):
            _, written, decided = counts.get(note.author_id, ("", 0, 0))
            decided += note.decided_by is not None
            counts[note.author_id] = (note.author, written + 1, decided)
        return sorted(counts.values(), key=lambda each: -each[1])
