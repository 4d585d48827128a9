"""Fetches files from the web, and from nowhere else: never from this machine or its networks.

A name is resolved once for each connection, its addresses are checked, and the connection goes to
an address that was checked: what the name resolves to later is never asked. TLS still verifies the
name. Redirects are followed here, each under the same checks. Because it is addresses that are
checked, it doesn't matter how one is spelled.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import httpcore
import httpx

from tools.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[list[Address]]]
"""The addresses of a name, for a port. Raises OSError."""

_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
"""What is given out of IPv6. IPv4 in IPv6 (mapped, compatible, NAT64) lies outside of it."""
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.88.99.0/24",  # relays of 6to4
            "2001::/23",  # Teredo, and other protocols' own
            "2001:db8::/32",
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",
        ),
    )
)
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_CONNECT_S = 5.0
_STALL_S = 15.0
"""A stream that sends nothing for so long is over."""
_OTHER_STREAMS = frozenset(("rtsp", "rtsps", "rtmp", "rtmps", "srt", "rtp", "udp", "mms", "rist"))
_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file from the web. `name` is the last part of its address, or its host."""

    data: bytes
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Of one file: bytes, seconds in all, and redirects on the way."""

    max_bytes: int = 25 * 1024 * 1024
    timeout_s: float = 20.0
    max_redirects: int = 5


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet's, and no way to a private one."""
    if any(address.version == network.version and address in network for network in _NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_V6:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def resolve(host: str, port: int) -> list[Address]:
    """By the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


class WebFetcher:
    """Fetches files by http and https.

    Args:
        limits: of each file.
        allowed: networks that may be reached although they are not public, such as an intranet.
        resolver: how names become addresses.
    """

    def __init__(
        self,
        limits: FetchLimits = FetchLimits(),
        *,
        allowed: tuple[Network, ...] = (),
        resolver: Resolver = resolve,
    ) -> None:
        self._limits = limits
        self._backend = _GuardedBackend(allowed, resolver)

    async def fetch(self, url: str) -> Fetched:
        """The file at an address.

        Raises InvalidInput where the address is not one of the web's, points into a private
        network, doesn't answer with a file, or the file is larger or slower than the limits.
        """
        try:
            async with (
                asyncio.timeout(self._limits.timeout_s),
                self._answered(url, stall_s=None) as (response, here),
            ):
                data = await self._body(response, str(here))
                return Fetched(data, _last_part(here) or here.host, str(here))
        except TimeoutError:
            raise InvalidInput(
                f"{_shown(url)} did not send the file within {self._limits.timeout_s:g} s; "
                "attach the file itself."
            ) from None

    async def check(self, url: str) -> str:
        """The name of what an address leads to, once it may be connected to; nothing is yet.

        Raises InvalidInput where it is not one of the web's, or leads into a private network.
        """
        here = _checked(url)
        try:
            await self._backend.addresses(here.host, here.port or _PORTS[here.scheme])
        except httpcore.ConnectError:
            raise _unreachable(here, "its name has no address") from None
        return _last_part(here) or here.host

    @asynccontextmanager
    async def stream(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """What an address sends, piece by piece as it comes; the caller bounds how much of it.

        It ends where the sender does, or sends nothing for a while. Raises InvalidInput as `fetch`
        does, and where the answer does not begin in time.
        """
        async with AsyncExitStack() as closing:
            try:
                async with asyncio.timeout(self._limits.timeout_s):
                    response, _ = await closing.enter_async_context(
                        self._answered(url, stall_s=_STALL_S)
                    )
            except TimeoutError:
                raise InvalidInput(
                    f"{_shown(url)} did not begin to send within {self._limits.timeout_s:g} s."
                ) from None
            yield _pieces(response)

    @asynccontextmanager
    async def _answered(
        self, url: str, *, stall_s: float | None
    ) -> AsyncIterator[tuple[httpcore.Response, httpx.URL]]:
        """The answer behind all redirects, and where it was; each address is checked."""
        here = _checked(url)
        for _ in range(self._limits.max_redirects + 1):
            async with self._get(here, stall_s) as response:
                headers = _headers(response)
                if response.status in _REDIRECTS and b"location" in headers:
                    here = _checked(headers[b"location"].decode("latin-1"), base=here)
                    continue
                if response.status != 200:
                    raise InvalidInput(
                        f"{_shown(str(here))} answered with status {response.status} and no file."
                    )
                if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
                    raise InvalidInput(
                        f"{_shown(str(here))} sends the file compressed, unasked; attach it."
                    )
                yield response, here
                return
        raise InvalidInput(
            f"{_shown(url)} redirects more than {self._limits.max_redirects} times; "
            "give the file's own address."
        )

    @asynccontextmanager
    async def _get(self, url: httpx.URL, stall_s: float | None) -> AsyncIterator[httpcore.Response]:
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        headers = [
            (b"Host", url.netloc),
            (b"User-Agent", b"switchboard"),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"identity"),
        ]
        try:
            async with (
                httpcore.AsyncConnectionPool(
                    ssl_context=httpx.create_ssl_context() if url.scheme == "https" else None,
                    network_backend=self._backend,
                ) as pool,
                pool.stream(
                    "GET",
                    target,
                    headers=headers,
                    extensions={"timeout": {"connect": _CONNECT_S, "read": stall_s}},
                ) as response,
            ):
                yield response
        except _BROKEN as error:
            raise _unreachable(url, type(error).__name__) from None

    async def _body(self, response: httpcore.Response, url: str) -> bytes:
        length = _headers(response).get(b"content-length", b"")
        if length.isdigit() and int(length) > self._limits.max_bytes:
            raise self._too_large(url)
        data = bytearray()
        async for piece in response.aiter_stream():
            data += piece
            if len(data) > self._limits.max_bytes:
                raise self._too_large(url)
        return bytes(data)

    def _too_large(self, url: str) -> InvalidInput:
        return InvalidInput(
            f"The file at {_shown(url)} has more than {self._limits.max_bytes / 1024**2:.0f} MB, "
            "the most that is fetched."
        )


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked."""

    def __init__(self, allowed: tuple[Network, ...], resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in await self.addresses(host, port):
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failed = error
        raise failed or httpcore.ConnectError("the name has no address")

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Those of a name, all of which may be reached. Raises InvalidInput, ConnectError."""
        try:
            found = await self._resolver(host, port)
        except (OSError, UnicodeError, ValueError) as error:
            raise httpcore.ConnectError("the name has no address") from error
        # One private address is enough: an honest name has none beside its public ones.
        if not all(self._may(address) for address in found):
            raise InvalidInput(
                f"{host} is not on the public internet; only files there are fetched. "
                "Attach the file itself."
            )
        return found

    def _may(self, address: Address) -> bool:
        return is_public(address) or any(
            address.version == network.version and address in network for network in self._allowed
        )


_PORTS = {"http": 80, "https": 443}


def _headers(response: httpcore.Response) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in response.headers}


async def _pieces(response: httpcore.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in response.aiter_stream():
            yield piece
    except _BROKEN:
        return


def _unreachable(url: httpx.URL, why: str) -> InvalidInput:
    return InvalidInput(
        f"{_shown(str(url))} can't be reached ({why}); check the address, or attach the file "
        "itself."
    )


def _checked(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        found = httpx.URL(url.strip()) if base is None else base.join(url.strip())
        host = found.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        raise InvalidInput("This is no web address; send https://…, or attach the file.") from None
    if found.scheme in _OTHER_STREAMS:
        raise InvalidInput(
            f"{found.scheme}:// is no web address. Live video is taken over http:// and https:// "
            "alone, as MPEG-TS, MJPEG, fragmented MP4 or WebM."
        )
    if found.scheme not in _PORTS or not host:
        raise InvalidInput(
            "This is no web address: only http:// and https:// are fetched. Attach the file itself."
        )
    if found.userinfo:
        raise InvalidInput("The address has a user name in it; give one that needs none.")
    return found.copy_with(fragment=None)


def _last_part(url: httpx.URL) -> str:
    """The last part of an address's path, without its escapes."""
    return PurePosixPath(unquote(url.path)).name


def _shown(url: str) -> str:
    """An address as errors show it: without what comes after the path, which may be secret."""
    shown = url.strip().split("?")[0].split("#")[0]
    return shown if len(shown) <= 200 else shown[:200] + "…"
