"""Makes the diagrams of the documentation: ``python docs/diagrams.py``.

They are drawn for 300 CSS pixels, so that a phone shows them without making the text smaller. Texts
stay texts: they can be searched, read aloud and enlarged.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "images"

WIDTH = 300
#: How much larger a diagram is where there is room for it.
LARGE = 1.3
MARGIN = 8
LINE = 16

# A picture in a page knows what the system prefers, and not what a button of the page has chosen.
# So it has a ground of its own, and can be read on either.
STYLE = """
  .ground { fill: #fff; stroke: #d0d7de }
  .box { fill: #eef4fb; stroke: #2f6db3 }
  .ours { fill: #e9f6ec; stroke: #2e7d4f }
  .stop { fill: #fdeeee; stroke: #b3392f }
  .axis, .arrow { stroke: #57606a; fill: none }
  .head { fill: #57606a }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328 }
  .strong { font-weight: 600 }
  .quiet { fill: #57606a; font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #161b22; stroke: #30363d }
    .box { fill: #14283f; stroke: #6cb0ff }
    .ours { fill: #12301e; stroke: #63c786 }
    .stop { fill: #3b1714; stroke: #ff8f85 }
    .axis, .arrow { stroke: #9aa4ae }
    .head { fill: #9aa4ae }
    text { fill: #e6edf3 }
    .quiet { fill: #9aa4ae }
  }
"""


class Drawing:
    """What is drawn so far, and what it says to somebody who does not see it."""

    def __init__(self, title: str, description: str) -> None:
        self.title = title
        self.description = description
        self._parts: list[str] = []
        self._bottom = 0.0

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """One line of text, on the baseline ``y``."""
        name = f' class="{kind}"' if kind else ""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._add(f'<text x="{x:g}" y="{y:g}"{name}{where}>{escape(words)}</text>', y + 4)

    def box(self, x: float, y: float, width: float, lines: list[str], kind: str = "box") -> float:
        """A box with a title and lines below it; the ``y`` of its lower edge."""
        height = LINE * len(lines) + 12
        self.bar(x, y, width, height, kind)
        for number, words in enumerate(lines):
            self.text(x + 9, y + 19 + LINE * number, words, "quiet" if number else "strong")
        return y + height

    def bar(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A box without a text."""
        self._add(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            'rx="5"/>',
            y + height,
        )

    def arrow(self, *points: tuple[float, float]) -> None:
        """A line through these points, with a head at its end."""
        path = " L".join(f"{x:g} {y:g}" for x, y in points)
        self._add(f'<path class="arrow" d="M{path}"/>', max(y for _, y in points))
        (before_x, before_y), (x, y) = points[-2:]
        along_x, along_y = _sign(x - before_x), _sign(y - before_y)
        back_x, back_y = x - 6 * along_x, y - 6 * along_y
        corners = [
            (x, y),
            (back_x + 4 * along_y, back_y + 4 * along_x),
            (back_x - 4 * along_y, back_y - 4 * along_x),
        ]
        shape = " ".join(f"{x:g},{y:g}" for x, y in corners)
        self._add(f'<polygon class="head" points="{shape}"/>', y)

    def axis(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """A line without a head."""
        self._add(f'<path class="axis" d="M{x:g} {y:g} L{to_x:g} {to_y:g}"/>', max(y, to_y))

    def svg(self) -> str:
        """The picture, as a file."""
        height = self._bottom + MARGIN
        size = f'width="{WIDTH * LARGE:g}" height="{height * LARGE:g}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height:g}" '
            'role="img" aria-labelledby="title description">'
        )
        ground = (
            f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:g}" '
            'rx="8"/>'
        )
        return "\n".join(
            [
                head,
                f'<title id="title">{escape(self.title)}</title>',
                f'<desc id="description">{escape(self.description)}</desc>',
                f"<style>{STYLE}</style>",
                ground,
                *self._parts,
                "</svg>\n",
            ]
        )

    def _add(self, part: str, bottom: float) -> None:
        self._parts.append(part)
        self._bottom = max(self._bottom, bottom)


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def request() -> Drawing:
    """The way of a request."""
    drawing = Drawing(
        "The way of a request",
        "The cookie is opened, its token verified. An ended session is refused, a token that is "
        "due is refreshed. Then the guard decides, the view runs, and the answer is made private.",
    )
    left, width, side = MARGIN + 4, 168, 190
    steps = [
        ("Open the cookie", "with the cookie password", "none, not ours:", "nobody"),
        ("Verify its token", "by WorkOS's keys", "not WorkOS's:", "nobody"),
        ("Ended?", "here or at WorkOS", "yes: refused,", "with the reason"),
        ("Over?", "by one of two clocks", "yes: refused,", "with the reason"),
        ("Due?", "the token is running out", "yes: refresh,", "then go on"),
        ("Guard", "@login_required", "no: 401, 403", "or 503"),
    ]
    y = 14.0
    for title, below, aside, more in steps:
        bottom = drawing.box(left, y, width, [title, below])
        middle = y + (bottom - y) / 2
        drawing.arrow((left + width, middle), (side, middle))
        drawing.text(side + 5, middle - 3, aside, "quiet")
        drawing.text(side + 5, middle + 13, more, "quiet")
        drawing.arrow((left + width / 2, bottom), (left + width / 2, bottom + 14))
        y = bottom + 14
    bottom = drawing.box(left, y, width, ["Your view"], "ours")
    drawing.arrow((left + width / 2, bottom), (left + width / 2, bottom + 14))
    drawing.box(
        left, bottom + 14, width, ["Answer", "private; a new cookie if", "the token is new"]
    )
    return drawing


def clocks() -> Drawing:
    """The three clocks of a session."""
    drawing = Drawing(
        "The three clocks of a session",
        "Access tokens follow each other while somebody works. The inactivity timeout begins again "
        "with each. The maximum length runs from the sign-in on. The nearer of the last two ends "
        "the session.",
    )
    left, right, idle, timeout = MARGIN + 6, WIDTH - MARGIN - 6, 130, 84
    token = (idle - left) / 4
    y = 24.0
    drawing.text(left, y, "Somebody is here", "strong")
    drawing.text(idle + 14, y, "… and away", "strong")
    drawing.text(left, y + 28, "Access tokens, five minutes each", "quiet")
    y += 36
    for number in range(5):
        drawing.bar(left + number * token + 1, y, token - 2, 16, "box")
    drawing.axis(idle, y - 3, idle, y + 19)
    drawing.text(left, y + 42, "Inactivity timeout: again with each token", "quiet")
    y += 50
    for number in range(1, 4):
        drawing.bar(left + number * token, y + 8 * (number - 1), timeout, 6, "box")
    drawing.bar(idle, y + 24, timeout, 16, "stop")
    drawing.axis(idle, y - 3, idle, y + 43)
    drawing.arrow((idle + timeout, y + 58), (idle + timeout, y + 41))
    drawing.text(right, y + 72, "the session ends here", "strong", "end")
    drawing.text(left, y + 100, "Maximum length: from the sign-in on", "quiet")
    y += 108
    drawing.bar(left, y, right - left, 16, "stop")
    drawing.axis(idle, y - 3, idle, y + 19)
    drawing.text(left, y + 38, "The nearer of the two red ends counts.")
    return drawing


def refresh() -> Drawing:
    """What a refresh does."""
    drawing = Drawing(
        "What a refresh does",
        "Three requests come with one old token. One of them sends it to WorkOS. What comes back "
        "is recorded for all processes, each verifies it, and all three get the same new cookie. "
        "One that comes later with the old cookie finds the record.",
    )
    left, width = MARGIN + 4, WIDTH - 2 * MARGIN - 8
    each = (width - 16) / 3
    y = 14.0
    for number in range(3):
        x = left + number * (each + 8)
        bottom = drawing.box(x, y, each, [f"request {number + 1}", "old cookie"])
        drawing.arrow((x + each / 2, bottom), (x + each / 2, bottom + 16))
    y = bottom + 16
    bottom = drawing.box(
        left, y, width, ["One sends the token", "the others wait, or go on with the old one"]
    )
    middle = left + width / 2
    drawing.arrow((middle, bottom), (middle, bottom + 16))
    bottom = drawing.box(left, bottom + 16, width, ["WorkOS", "takes a token once"], "ours")
    drawing.arrow((middle, bottom), (middle, bottom + 16))
    record = bottom + 16
    bottom = drawing.box(
        left, record, width, ["Recorded for all processes, sealed", "before anything is verified"]
    )
    for number in range(3):
        x = left + number * (each + 8) + each / 2
        drawing.arrow((x, bottom), (x, bottom + 16))
    bottom = drawing.box(left, bottom + 16, width, ["Each verifies", "signature, person, session"])
    y = bottom + 16
    for number in range(3):
        x = left + number * (each + 8)
        drawing.arrow((x + each / 2, bottom), (x + each / 2, y))
        end = drawing.box(x, y, each, ["200", "the same", "new cookie"])
    drawing.text(left, end + 24, "A late request with the old cookie finds", "quiet")
    drawing.text(left, end + 40, "the record, and gets the same. No answer:", "quiet")
    drawing.text(left, end + 56, "the session stays, and it is tried again.", "quiet")
    return drawing


def revocation() -> Drawing:
    """What a revocation does."""
    drawing = Drawing(
        "What a revocation does",
        "WorkOS tells one process of it, or your app asks for it there. That process writes the "
        "end into the shared state. All processes see it within a second and refuse the next "
        "request; the open page is told, says why, and keeps what was typed.",
    )
    left, width = MARGIN + 4, WIDTH - 2 * MARGIN - 8
    half = (width - 10) / 2
    right = left + half + 10
    y = 14.0
    bottom = drawing.box(left, y, half, ["WorkOS", "webhook or events"], "ours")
    drawing.box(right, y, half, ["Your app", "sessions.revoke…"], "ours")
    for x in (left + half / 2, right + half / 2):
        drawing.arrow((x, bottom), (x, bottom + 18))
    bottom = drawing.box(left, bottom + 18, width, ["One process", "records the end, once"])
    middle = left + width / 2
    drawing.arrow((middle, bottom), (middle, bottom + 18))
    bottom = drawing.box(left, bottom + 18, width, ["Shared state", "SQLite on one host, or Redis"])
    drawing.arrow((middle, bottom), (middle, bottom + 18))
    drawing.text(middle + 9, bottom + 13, "within a second", "quiet")
    bottom = drawing.box(left, bottom + 18, width, ["Every process of every host"])
    for x in (left + half / 2, right + half / 2):
        drawing.arrow((x, bottom), (x, bottom + 18))
    drawing.box(left, bottom + 18, half, ["Next request", "refused:", "“revoked”"], "stop")
    drawing.box(
        right,
        bottom + 18,
        half,
        ["Open page", "goes, and keeps", "what was typed"],
        "stop",
    )
    return drawing


DIAGRAMS: dict[str, Callable[[], Drawing]] = {
    each.__name__: each for each in (request, clocks, refresh, revocation)
}


def main(folder: Path = IMAGES) -> None:
    """Write every diagram."""
    for name, draw in DIAGRAMS.items():
        (folder / f"{name}.svg").write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
