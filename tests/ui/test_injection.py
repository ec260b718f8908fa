"""Our markup goes before the ``</body>`` that ends a document, and nowhere else."""

from __future__ import annotations

import time

import pytest

from flask_workos_sessions.ui.injection import inject

OURS = b"<!--ours-->"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<p>Hi", b"</body></html>"),
        (b"<p>Hi", b"</body>"),
        (b"<p>Hi", b"</BODY>\n</HTML>\n"),
        (b"<p>Hi", b"</body >\r\n\t</html\n>\x0c  \n"),
        (b"<p>Hi", b"</body>" + b"\n" * 5000),
        (b"", b"</body>"),
        (b"<p></body>", b"</body></html>"),
        (b"<p></body></html>", b"</body></html>"),
    ],
)
def test_ours_goes_before_the_last_body_end(before: bytes, after: bytes) -> None:
    assert inject(before + after, OURS) == before + OURS + after


@pytest.mark.parametrize(
    "inner",
    [
        b'<script>document.write("<p></body></html>")</script>',
        b"<!-- </body></html> -->",
        b"<textarea></body></html></textarea>",
        b'<input value="</body></html>">',
        b"<title></body></title>",
        b"<style>/* </body> */</style>",
    ],
    ids=["script", "comment", "textarea", "attribute", "title", "style"],
)
def test_a_body_end_inside_something_else_is_not_the_place(inner: bytes) -> None:
    """Security P3: our tag there would free the rest as markup."""
    whole = b"<html><body>" + inner + b"<p>After</p></body></html>\n"
    injected = inject(whole, OURS)
    assert injected == b"<html><body>" + inner + b"<p>After</p>" + OURS + b"</body></html>\n"
    for cut in (b"<html><body>" + inner, b"<html><body>" + inner + b"<p>After</p>"):
        assert inject(cut, OURS) is None, "a page without its own end tag is left alone"


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"   \n",
        b"<p>A part of a page</p>",
        b"</html>",
        b"<body>Hi</html>",
        b"</body> trailing text",
        b"</body><!-- made in 20 ms --></html>",
        b"</body></html></html>",
        b"</body></html>x",
        b"</bodyx>",
        b"< /body>",
        b"</ body>",
        b"</body",
        b"body>",
    ],
)
def test_a_page_without_a_clear_end_is_left_alone(page: bytes) -> None:
    assert inject(page, OURS) is None


@pytest.mark.parametrize(
    "charset", ["latin-1", "windows-1251", "shift_jis", "gb18030", "utf-8-sig"]
)
def test_a_page_in_another_charset_keeps_its_bytes(charset: str) -> None:
    letters = {"latin-1": "é", "windows-1251": "ж", "shift_jis": "日本", "gb18030": "中文"}
    before, after = f"<p>{letters.get(charset, 'é')}</p>".encode(charset), b"</body></html>"
    assert inject(before + after, OURS) == before + OURS + after


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-32"])
def test_a_page_whose_letters_are_not_bytes_is_left_alone(charset: str) -> None:
    assert inject("<p>Hi</p></body></html>".encode(charset), OURS) is None


def test_bytes_that_are_no_text_do_not_disturb() -> None:
    before = bytes(range(256)) * 4
    assert inject(before + b"</body>", OURS) == before + OURS + b"</body>"


@pytest.mark.parametrize(
    "filling", [b"<p>row</p>", b"</body> ", b"</body", b"\n", b"<", b"</html>", b"</body></html>\n"]
)
def test_five_megabytes_take_milliseconds(filling: bytes) -> None:
    page = filling * (5_000_000 // len(filling)) + b"</body></html>"
    assert inject(page, OURS) == page[:-14] + OURS + b"</body></html>"
    assert min(_seconds(lambda: inject(page, OURS)) for _ in range(5)) < 0.05


def test_a_long_end_does_not_make_the_search_slow() -> None:
    page = b"<p>Hi</p>" + b"</body>" * 100_000 + b" " * 1_000_000
    assert min(_seconds(lambda: inject(page, OURS)) for _ in range(5)) < 0.05


def _seconds(run: object) -> float:
    assert callable(run)
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
