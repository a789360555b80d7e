"""``python -m model_store``: import, fetch, verify, list, path."""

from __future__ import annotations

import sys

from model_store.cli import main

if __name__ == "__main__":
    sys.exit(main())
