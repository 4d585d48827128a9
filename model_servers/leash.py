"""Ties a server process to its owner: it ends when the owner does, however that happens.

    python -m model_servers.leash COMMAND …

runs a command that knows nothing of this, and ends its whole process group.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

TERM_GRACE_S = 8.0


def when_owner_leaves(act: Callable[[], None]) -> None:
    """Call `act`, from a thread, once standard input is closed or the parent has changed.

    The pipe tells at once. Should another child of the owner hold its other end open, the parent's
    number tells within a second.
    """
    owner = os.getppid()

    def watch() -> None:
        while os.getppid() == owner:
            readable, _, _ = select.select([0], [], [], 1.0)
            if readable and not os.read(0, 4096):
                break
        act()

    threading.Thread(target=watch, name="leash", daemon=True).start()


def main(argv: list[str]) -> int:
    """Run the command until it ends or the owner leaves. Its exit status."""
    command = subprocess.Popen(argv, stdin=subprocess.DEVNULL)  # noqa: S603 - our owner's command
    ending = threading.Event()

    def end() -> None:
        ending.set()
        command.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(TERM_GRACE_S)
        os.killpg(0, signal.SIGKILL)  # what the command had started, and this process

    when_owner_leaves(end)
    code = command.wait()
    if ending.is_set():
        signal.pause()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
