"""What a run's figures depend on besides its configuration."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.settings import Settings

_PACKAGES = (
    "switchboard",
    "numpy",
    "torch",
    "transformers",
    "sentence-transformers",
    "onnxruntime",
    "scikit-learn",
    "litellm",
    "xllamacpp",
    "langgraph",
)


def environment(*, concurrency: int, service: Settings | None) -> dict[str, Any]:
    """Machine, versions, git commit where the code is a checkout; the models' versions where
    `service` has the settings of one in this process."""
    facts: dict[str, Any] = {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 2),
            "architecture": platform.machine(),
            "system": platform.system(),
        },
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "concurrency": concurrency,
    }
    if (commit := git_commit(Path(__file__))) is not None:
        facts["git_commit"] = commit
    if service is not None:
        from orchestrator.chat_models import model_versions

        facts["models"] = model_versions(service)
    return facts


def git_commit(file: Path) -> str | None:
    """The commit that a tracked file's checkout is at, with "+" where tracked files differ from
    it. None where the file is not tracked: a package may be installed below someone's checkout."""
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    commit = _git(file.parent, "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _git(file.parent, "status", "--porcelain", "--untracked-files=no")
    return commit + ("+" if changed else "")


def _git(folder: Path, *words: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            [git, "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
