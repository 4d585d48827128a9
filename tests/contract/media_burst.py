"""A service in a process of its own that serves text, then a burst of media work, then text again.

Run as `python -m tests.contract.media_burst HOME`; prints a JSON object of what it held in
megabytes: after the text, in the burst, and after the text that follows the idle time.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from pathlib import Path

from model_servers import serving
from model_servers.pool import ModelPool
from orchestrator.service import Service, open_service
from orchestrator.settings import Settings
from tests.contract.vision_samples import street
from tools.pictures import encode

IDLE_S = 900.0
CALL = "Good morning, this is Anna Carter. How can I help you?"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


async def text(service: Service) -> None:
    complaint = {"text": "The zip broke after two days.", "task": "sentiment"}
    await service.run_tool("classify_text", complaint, owner="local")
    parcel = {"text": "The parcel arrives tomorrow.", "target_language": "pt"}
    await service.run_tool("translate_text", parcel, owner="local")


async def burst(service: Service) -> None:
    picture = service.artifacts.put(encode(street(), "png"), name="street.png", origin="user")
    for name in ("detect_objects", "read_text"):
        await service.run_tool(name, {"image": picture}, owner="local")
    made = await service.run_tool("synthesize_speech", {"text": CALL}, owner="local")
    sound = made.artifacts[0]
    heard = await service.run_tool("transcribe_audio", {"audio": sound}, owner="local")
    assert "Anna Carter" in heard.data.text  # type: ignore[attr-defined]


async def main(home: Path) -> None:
    clock = Clock()
    serving.ModelPool = functools.partial(ModelPool, clock=clock)  # type: ignore[assignment,misc]
    settings = Settings(
        home=home,
        llm_base_url="http://127.0.0.1:9/v1",
        llm_model="none",
        warm_up=False,
        models_idle_s=IDLE_S,
        request_timeout_s=1_800,
    )
    service = await open_service(settings)
    try:
        await text(service)
        held = {"text": resident_mb()}
        await burst(service)
        held["burst"] = resident_mb()
        clock.now += IDLE_S
        await service.models.unload_idle()
        assert service.models.loaded() == []
        await text(service)
        held["after"] = resident_mb()
    finally:
        await service.close()
    print(json.dumps(held))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
