"""Links to files that work without a key: signed, and good for a while.

They are for what can send no key: a player, a picture on a page, a colleague. Who has a link has
the file, until it ends.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from orchestrator.errors import PermissionDenied
from tools.artifacts import Artifact

PREFIX = "/files/"
_FACTS = frozenset(("id", "kind", "media_type", "size", "name", "origin"))
"""What any file in an answer has."""
_ROUND_S = 3_600
"""Links end at a whole hour, so that one made again soon is the same and may be cached."""
_SHOWN = re.compile(
    r"!?\[(?:\\.|[^\]\\])*\]"  # the name, with its brackets escaped
    r"\([^\s()]*/files/[0-9a-f]{64}\?expires=[0-9]+&signature=[0-9a-f]{64}\)"
)


class FileLinks:
    """Makes links and checks them.

    Args:
        key: secret bytes; with another key all links end.
        lifetime_s: how long a link works, at least.
        clock: seconds since the epoch.
    """

    def __init__(
        self, key: bytes, lifetime_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._lifetime_s = lifetime_s
        self._clock = clock

    def link(self, artifact_id: str) -> str:
        """Path and query of a link."""
        expires = (int(self._clock() + self._lifetime_s) // _ROUND_S + 1) * _ROUND_S
        signature = self._signature(artifact_id, str(expires))
        return f"{PREFIX}{artifact_id}?expires={expires}&signature={signature}"

    def check(self, artifact_id: str, expires: str, signature: str) -> None:
        """Raises PermissionDenied where a link was not made here, or has ended."""
        right = self._signature(artifact_id, expires)
        if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
            raise PermissionDenied("This link is not valid; take it whole, as it was given.")
        if self._clock() > int(expires):
            raise PermissionDenied("This link has ended; ask for the file again.")

    def added(self, content: Any, base_url: str) -> Any:
        """The content as plain data, with a `url` in each file that is described in it."""
        return self._walked(
            to_jsonable_python(content, inf_nan_mode="constants"), base_url.rstrip("/")
        )

    def shown(self, files: Sequence[Artifact], base_url: str) -> str:
        """What an answer in Markdown ends with so that its reader gets the files: each once, a
        picture as one. Empty where there are none."""
        lines = []
        for file in {file.id: file for file in files if file.size > 0}.values():
            mark = "!" if file.kind == "image" else ""
            name = re.sub(r"([\[\]\\])", r"\\\1", file.name)
            lines.append(f"{mark}[{name}]({base_url.rstrip('/')}{self.link(file.id)})")
        return "\n\n" + "\n".join(lines) if lines else ""

    def _walked(self, value: Any, base_url: str) -> Any:
        if isinstance(value, Mapping):
            found = {key: self._walked(inner, base_url) for key, inner in value.items()}
            has_bytes = value.keys() >= _FACTS and value["size"] > 0
            if has_bytes and "url" not in found:
                found["url"] = base_url + self.link(value["id"])
            return found
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self._walked(inner, base_url) for inner in value]
        return value

    def _signature(self, artifact_id: str, expires: str) -> str:
        message = f"{artifact_id}\n{expires}".encode("utf-8", "replace")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


def without_files_shown(text: str) -> str:
    """An answer without what `FileLinks.shown` ended it with: what was said, and no more."""
    lines = text.split("\n")
    while lines and _SHOWN.fullmatch(lines[-1]):
        lines.pop()
    said = "\n".join(lines)
    return said if said == text else said.rstrip("\n")
