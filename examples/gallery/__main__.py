"""``python -m examples.gallery [--port 5070] [--style FILE] [--templates FOLDER]``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from werkzeug.serving import make_server

from . import create_app


def main(arguments: list[str] | None = None) -> None:
    """Serve the gallery until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m examples.gallery")
    parser.add_argument("--port", type=int, default=5070)
    parser.add_argument("--style", type=Path, help="a style sheet of yours, for every frame")
    parser.add_argument(
        "--templates", type=Path, help="a folder of yours with workos_sessions/… in it"
    )
    wanted = parser.parse_args(arguments)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(style=wanted.style, templates=wanted.templates)
    server = make_server("127.0.0.1", wanted.port, app, threaded=True)
    print(f"The gallery: http://127.0.0.1:{server.port}\nCtrl-C stops it.", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
