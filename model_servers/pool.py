"""The models of a profile in one process: loaded on demand, unloaded when idle or in the way."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from model_servers.batching import Batcher, seconds_until, too_late
from model_servers.contracts import (
    ItemError,
    ModelError,
    ModelServer,
    ModelUnavailable,
    ProfileError,
    SwitchboardError,
)
from model_servers.freed_memory import give_back_memory
from model_servers.spans import span

log = logging.getLogger(__name__)

Factory = Callable[[], ModelServer[Any, Any]]

DEFAULT_MEMORY_MB = 200
DEFAULT_MAX_BATCH = 32
_SHORTEST_SLEEP_S = 0.01


class ItemFailed(ModelError):
    """The model could not work on one of the inputs; the message says why."""

    code = "item_error"
    http_status = 422


@dataclass(eq=False, slots=True)
class _Slot:
    """One model of the pool, loaded or not."""

    name: str
    factory: Factory
    server: ModelServer[Any, Any] | None = None
    batcher: Batcher | None = None
    loading: asyncio.Task[Batcher] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # held to load and to unload
    memory_mb: float = 0.0  # reserved from before the load until after the unload
    in_use: int = 0
    last_used: float = 0.0


class ModelPool:
    """Predictions by model name; safe for any number of tasks of one event loop.

    A server may say what it needs in two attributes: `memory_mb` (its size once loaded, 200 if
    it says nothing) and `max_batch` (32).

    Args:
        factories: makes each model's server, without loading it.
        memory_budget_mb: the loaded models' sizes add up to this at most; the least recently
            used ones make room, and where all are in use, a load waits.
        idle_s: a model that was not used for so long is unloaded.
        threads: batches that run at the same time, each in a thread of its own.
        elsewhere: for names that are not in `factories`, the profile that has them.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        factories: Mapping[str, Factory],
        *,
        memory_budget_mb: float,
        idle_s: float,
        threads: int,
        elsewhere: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = {name: _Slot(name, factory) for name, factory in factories.items()}
        self._memory_budget_mb = memory_budget_mb
        self._idle_s = idle_s
        self._elsewhere = dict(elsewhere or {})
        self._clock = clock
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="model")
        self._changed = asyncio.Condition()
        self._reaper: asyncio.Task[None] | None = None
        self._closed = False

    def __contains__(self, name: str) -> bool:
        """Whether this profile has the model."""
        return name in self._slots

    def loaded(self) -> list[str]:
        """Names of the models in memory, sorted."""
        return sorted(name for name, slot in self._slots.items() if slot.batcher is not None)

    async def load(self, *names: str, deadline: float | None = None) -> None:
        """Have these models in memory, all at once. Raises as `predict` does."""
        await asyncio.gather(*(self._ready(self._slot(name), deadline) for name in names))

    async def predict(
        self,
        name: str,
        items: Sequence[Any],
        *,
        deadline: float | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> list[Any]:
        """One result for each item, in order.

        Args:
            deadline: on the clock of `time.monotonic()`.
            errors: "return" leaves an ItemError in the place of an item that failed; "raise"
                raises the first one as ItemFailed.

        Raises ProfileError for a model that the profile does not have, DeadlineExceeded,
        ModelUnavailable, WeightsError, ModelError.
        """
        slot = self._slot(name)
        with span("model", model=name, items=len(items)) as made:
            slot.in_use += 1
            try:
                batcher = await self._ready(slot, deadline)
                results = await batcher.submit(items, deadline=deadline)
            finally:
                slot.in_use -= 1
                slot.last_used = self._clock()
                await self._announce()
            failed = [result for result in results if isinstance(result, ItemError)]
            if failed:
                made.note(items_failed=len(failed))
                if errors == "raise":
                    raise ItemFailed(failed[0].message)
            return results

    async def unload_idle(self) -> None:
        """Unload what was not used for `idle_s`; its memory goes back to the system."""
        unloaded = False
        for slot in self._free():
            if self._clock() - slot.last_used >= self._idle_s:
                unloaded |= await self._unload(slot)
        if unloaded:
            await asyncio.to_thread(give_back_memory)

    async def close(self) -> None:
        """Unload everything; calls that still wait fail with ModelUnavailable."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
        await self._announce()
        loading = [slot.loading for slot in self._slots.values() if slot.loading is not None]
        await asyncio.gather(*loading, return_exceptions=True)
        for slot in self._slots.values():
            await self._unload(slot, even_in_use=True)
        self._executor.shutdown()

    def _slot(self, name: str) -> _Slot:
        if self._closed:
            raise ModelUnavailable("The service is stopping; try again.")
        if name in self._slots:
            return self._slots[name]
        if name in self._elsewhere:
            raise ProfileError(
                f"This profile has no model {name!r}; start with the profile "
                f"{self._elsewhere[name]!r} to use it."
            )
        raise ProfileError(f"No profile has a model {name!r}; there are: {sorted(self._slots)}.")

    async def _ready(self, slot: _Slot, deadline: float | None) -> Batcher:
        """The slot's batcher, loading the model first where nobody does so yet."""
        if slot.batcher is not None:
            return slot.batcher
        with span("load", model=slot.name):
            return await self._loaded(slot, deadline)

    async def _loaded(self, slot: _Slot, deadline: float | None) -> Batcher:
        if slot.loading is None:
            slot.loading = asyncio.create_task(self._load(slot), name=f"load:{slot.name}")
            slot.loading.add_done_callback(_retrieve)
        try:
            async with asyncio.timeout(seconds_until(deadline)):
                # A caller that gives up must not stop the load for the others.
                return await asyncio.shield(slot.loading)
        except TimeoutError:
            raise too_late() from None

    async def _load(self, slot: _Slot) -> Batcher:
        try:
            async with slot.lock:
                batcher = await self._load_server(slot)
        except SwitchboardError:
            slot.memory_mb = 0.0
            raise
        except Exception as error:
            slot.memory_mb = 0.0
            log.exception("model %s could not be loaded", slot.name)
            raise ModelUnavailable(
                f"The model {slot.name} could not be loaded ({type(error).__name__})."
            ) from error
        finally:
            slot.loading = None
            await self._announce()
        if self._reaper is None and not self._closed:
            # Nobody's request: it outlives the one that happens to start it.
            self._reaper = asyncio.create_task(
                self._reap(), name="unload-idle", context=contextvars.Context()
            )
        return batcher

    async def _load_server(self, slot: _Slot) -> Batcher:
        server = slot.factory()
        await self._make_room(slot, float(getattr(server, "memory_mb", DEFAULT_MEMORY_MB)))
        started = time.monotonic()
        await asyncio.to_thread(server.load)
        log.info("loaded %s in %.1f s", slot.name, time.monotonic() - started)
        slot.server = server
        slot.batcher = Batcher(
            server.predict,
            self._executor,
            name=slot.name,
            max_batch=getattr(server, "max_batch", DEFAULT_MAX_BATCH),
        )
        slot.last_used = self._clock()
        return slot.batcher

    async def _make_room(self, slot: _Slot, memory_mb: float) -> None:
        """Reserve memory, unloading the least recently used models, waiting where it must."""
        if memory_mb > self._memory_budget_mb:
            raise ModelUnavailable(
                f"The model {slot.name} needs {memory_mb:.0f} MB, more than the models' memory "
                f"budget of {self._memory_budget_mb:.0f} MB; allow more."
            )
        unloaded = False
        while self._used_mb() + memory_mb > self._memory_budget_mb:
            if self._closed:
                raise ModelUnavailable("The service is stopping; try again.")
            if free := self._free():
                unloaded |= await self._unload(min(free, key=lambda other: other.last_used))
            else:
                async with self._changed:
                    await self._changed.wait_for(
                        lambda: (
                            self._closed
                            or self._free()
                            or self._used_mb() + memory_mb <= self._memory_budget_mb
                        )
                    )
        slot.memory_mb = memory_mb
        if unloaded:  # before the load: else the process would hold both for a while
            await asyncio.to_thread(give_back_memory)

    def _used_mb(self) -> float:
        return sum(slot.memory_mb for slot in self._slots.values())

    def _free(self) -> list[_Slot]:
        """Loaded models that nobody uses."""
        return [s for s in self._slots.values() if s.batcher is not None and s.in_use == 0]

    async def _unload(self, slot: _Slot, *, even_in_use: bool = False) -> bool:
        """Whether it was loaded, and is no longer."""
        async with slot.lock:
            batcher, server = slot.batcher, slot.server
            if batcher is None or server is None or (slot.in_use and not even_in_use):
                return False
            slot.batcher = slot.server = None
            await batcher.close()
            await asyncio.to_thread(server.unload)
            slot.memory_mb = 0.0
            log.info("unloaded %s", slot.name)
            return True

    async def _announce(self) -> None:
        """Tell loads that wait for room that something changed."""
        async with self._changed:
            self._changed.notify_all()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(self._first_idle_in_s())
            await self.unload_idle()
            await self._announce()

    def _first_idle_in_s(self) -> float:
        """Seconds until the first model can have been idle for long enough."""
        now = self._clock()
        used = [
            now if slot.in_use else slot.last_used
            for slot in self._slots.values()
            if slot.batcher is not None
        ]
        return max(_SHORTEST_SLEEP_S, min(used, default=now) + self._idle_s - now)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Mark a failed load as seen; everyone who waited for it has got its error."""
    if not task.cancelled():
        task.exception()
