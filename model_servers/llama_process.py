"""The child that runs the llama.cpp server: `python -m model_servers.llama_process`.

Reads its settings as one JSON line from standard input (a command line is public), says
`{"url": …}` in one line on standard output, and leaves when standard input closes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from model_servers.leash import when_owner_leaves


def main() -> None:
    settings = json.loads(_first_line())
    when_owner_leaves(lambda: os._exit(0))
    # Whatever the runtime prints goes to the log; standard output is for the address alone.
    address = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = _serve(settings)
    print(json.dumps({"url": server.listening_address}), file=address, flush=True)
    threading.Event().wait()


def _first_line() -> bytes:
    """Unbuffered, so that nothing after it is swallowed: the leash watches the same pipe."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit("the owner left before it said what to serve")
        line += byte
    return bytes(line)


def _serve(settings: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["gguf"]
    params.model_alias = {settings["model"]}
    params.api_keys = [settings["api_key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = settings["context_tokens"]
    params.n_parallel = settings["parallel"]
    # One pool of cells for all slots: otherwise each gets only its share of the context.
    params.kv_unified = True
    # A cancelled request stops between batches: 0.5-1.5 s at 128, 15-28 s at 2048.
    params.n_batch = params.n_ubatch = 128
    params.cache_ram_mib = settings["prompt_cache_mib"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    # It notices that a caller has gone when it writes: while it reads a prompt, only a ping does.
    params.sse_ping_interval = 1
    params.use_jinja = True
    params.ui = False
    params.cors_origins = ""
    params.verbosity = 2
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
