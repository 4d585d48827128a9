import subprocess
import sys

import pytest

HEAVY = {"torch", "ray", "litellm", "gradio", "spacy", "transformers", "onnxruntime", "numpy"}


@pytest.mark.parametrize(
    "package", ["orchestrator", "tools", "model_servers", "evals", "orchestrator.cli"]
)
def test_importing_a_package_brings_nothing_heavy(package: str) -> None:
    script = f"import sys, {package}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    imported = {name.partition(".")[0] for name in done.stdout.splitlines()}
    assert imported & HEAVY == set()
