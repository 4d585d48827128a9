"""Which file each document of the knowledge base was added from, kept beside it in the home folder.

The knowledge base knows a document by its name below the folder that was added, so that a new
version takes the old one's place wherever the command runs. Only who adds can tell that another
folder's document has the same name.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

_FILE = "kb-origins.json"


class Origins:
    """The files that one kind of things in one collection came from, by their names.

    Args:
        home: the home folder.
        kind: of things, such as "document".
    """

    def __init__(self, home: Path, kind: str, collection: str) -> None:
        self._file = home / _FILE
        self._shelf = f"{kind} {collection}"

    def known(self) -> dict[str, str]:
        """Paths by names; empty where nothing was kept, or it can't be read."""
        return self._all().get(self._shelf, {})

    def remember(self, paths: Mapping[str, str]) -> None:
        """Keep the paths by names. That it can't be written costs a warning at most."""
        kept = self._all()
        kept[self._shelf] = {**kept.get(self._shelf, {}), **paths}
        new = self._file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            try:
                new.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
                new.replace(self._file)
            finally:
                new.unlink(missing_ok=True)

    def _all(self) -> dict[str, dict[str, str]]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        shelves = kept.items() if isinstance(kept, dict) else ()
        return {name: paths for name, paths in shelves if isinstance(paths, dict)}
