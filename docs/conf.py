"""How Sphinx makes the site of these pages: `make docs`. Nothing is fetched from the network."""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import PurePosixPath

from sphinx.application import Sphinx

project = "Flask-WorkOS-Sessions"
version = release = version_of(project)

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "index"

# The anchors that GitHub makes of headings, so that a link works there and here.
myst_heading_anchors = 4
myst_enable_extensions = ["tasklist"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
# With -n every reference has to lead somewhere. Except to other projects, whose pages would have
# to be fetched, and to names of ours that are told of and are not public.
nitpick_ignore_regex = [
    (r"py:.*", r"(blinker|collections|contextlib|flask|typing|werkzeug)\..*|Flask"),
    (r"py:class", r"(.*\.)?(View|Loader|Ends|SignIn|WebhookOrder)"),
    (r"py:exc", r"Unredirectable|SentBack"),
    (r"py:(data|func)", r"(.*\.)?(INTERACTIONS|NAMED_FAULTS|SIGNATURES|seed\.seed)"),
]

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]

# Files outside of docs/ that are pages of the site, by the page that includes them.
_INCLUDED = {"../CHANGELOG.md": "changelog.md", "../examples/README.md": "sample-app.md"}


def _lead_to_the_page(app: Sphinx, name: str, text: list[str]) -> None:
    """A link to a file outside of docs/ leads to the page that includes it."""
    for path, page in _INCLUDED.items():
        text[0] = text[0].replace(f"]({path}", f"]({page}")


def _lead_within_docs(app: Sphinx, path: PurePosixPath, name: str, text: list[str]) -> None:
    """A link from such a file into docs/ is one between pages."""
    text[0] = text[0].replace("](../docs/", "](").replace("](docs/", "](")


def setup(app: Sphinx) -> None:
    """Connect what rewrites links."""
    app.connect("source-read", _lead_to_the_page)
    app.connect("include-read", _lead_within_docs)
