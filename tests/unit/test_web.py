"""The guard on fetching: no private connection, whatever the address looks like or turns into."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tools.errors import InvalidInput
from tools.web import Address, FetchLimits, WebFetcher, is_public, resolve

PICTURE = b"\x89PNG and the rest"
LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


def answer(status: str = "200 OK", body: bytes = PICTURE, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Site:
    """A server on loopback that answers each path with fixed bytes and counts its connections."""

    def __init__(self, pages: dict[str, bytes], *, hangs: bool = False) -> None:
        self._pages = pages
        self._hangs = hangs
        self.connections = 0
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(request)
            writer.write(self._pages[request.split()[1]])
            await writer.drain()
            if self._hangs:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def site(pages: dict[str, bytes], *, hangs: bool = False) -> AsyncIterator[Site]:
    served = Site(pages, hangs=hangs)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


def resolver(*answers: str) -> Callable[[str, int], object]:
    """Gives each answer once, in turn, and the last one from then on."""
    left = list(answers)

    async def answered(host: str, port: int) -> list[Address]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [ipaddress.ip_address(each) for each in found.split()]

    return answered


async def test_a_file_is_fetched_from_where_its_name_resolves_to() -> None:
    async with site({"/dir/a%20cat.png?size=2": answer()}) as served:
        fetcher = WebFetcher(allowed=LOOPBACK, resolver=resolver("127.0.0.1"))
        found = await fetcher.fetch(f"http://photos.example:{served.port}/dir/a%20cat.png?size=2#x")
    assert (found.data, found.name) == (PICTURE, "a cat.png")
    assert f"Host: photos.example:{served.port}\r\n" in served.requests[0]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001"),
        *("localhost", "LOCALHOST", "0.0.0.0", "0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]"),
        *("[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:1::]", "[fe80::1]", "[fec0::1]"),
        *("[fd00::1]", "[ff02::1]", "169.254.169.254", "[fe80::1%25lo]", "10.1.2.3", "172.16.0.1"),
        *("192.168.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1"),
        *("①②⑦.⓪.⓪.①", "127。0。0。1"),
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    async with site({"/": answer()}) as served:
        with pytest.raises(InvalidInput, match=r"public internet|can't be reached|no web address"):
            await WebFetcher().fetch(f"http://{host}:{served.port}/")
    assert served.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://127.0.0.1:70/", "ftp://example.com/a", "data:image/png,"),
        *("//example.com/a.png", "example.com/a.png", "http://", "http:///a", "https://[::1", ""),
        "javascript:alert(1)",
    ],
)
async def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(InvalidInput, match="no web address"):
        await WebFetcher(resolver=resolver("127.0.0.1")).fetch(url)


async def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput) as caught:
        await WebFetcher().fetch("http://me:hunter2@example.com/")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.1:{port}/private", "http://[::ffff:127.0.0.1]:{port}/private"),
        *("http://inside.example:{port}/private", "file:///etc/passwd", "gopher://x.example/"),
    ],
)
async def test_a_redirect_into_a_private_network_is_not_followed(location: str) -> None:
    """The first address may be reached, those behind it may not."""
    async with site({}) as served:
        there = location.format(port=served.port)
        served._pages["/start"] = answer("302 Found", b"", location=there)

        async def resolved(host: str, port: int) -> list[Address]:
            outside = host == "outside.example"
            return [ipaddress.ip_address("127.0.0.1" if outside else "127.0.0.2")]

        fetcher = WebFetcher(allowed=LOOPBACK, resolver=resolved)
        with pytest.raises(InvalidInput, match=r"public internet|no web address"):
            await fetcher.fetch(f"http://outside.example:{served.port}/start")
    assert len(served.requests) == 1


async def test_a_redirect_is_followed_and_its_name_checked_anew() -> None:
    async with site({"/a": answer("302 Found", b"", location="/b"), "/b": answer()}) as served:
        where = f"http://turning.example:{served.port}/a"
        steady = WebFetcher(allowed=LOOPBACK, resolver=resolver("127.0.0.1"))
        assert (await steady.fetch(where)).name == "b"
        turning = WebFetcher(allowed=LOOPBACK, resolver=resolver("127.0.0.1", "127.0.0.2"))
        with pytest.raises(InvalidInput, match="public internet"):
            await turning.fetch(where)
    assert served.connections == 3


async def test_a_name_is_resolved_once_for_a_connection() -> None:
    asked: list[str] = []

    async def resolved(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.2")]

    async with site({"/": answer()}) as served:
        fetcher = WebFetcher(allowed=LOOPBACK, resolver=resolved)
        await fetcher.fetch(f"http://turning.example:{served.port}/")
    assert asked == ["turning.example"]


async def test_a_name_with_one_private_address_is_refused() -> None:
    fetcher = WebFetcher(resolver=resolver("93.184.216.34 10.0.0.1"))
    with pytest.raises(InvalidInput, match="public internet"):
        await fetcher.fetch("http://mixed.example/")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (answer(content_length=str(10**9)), "more than 0 MB"),
        (answer(body=b"x" * 5_000), "more than 0 MB"),
        (answer(content_encoding="gzip"), "compressed"),
        (answer("404 Not Found"), "status 404"),
        (answer("302 Found", b"", location="/"), "redirects more than 5 times"),
        (answer("302 Found", b""), "status 302"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "can't be reached"),
        (b"", "can't be reached"),
    ],
)
async def test_what_is_sent_is_bounded_and_must_be_a_file(page: bytes, message: str) -> None:
    async with site({"/": page}) as served:
        limits = FetchLimits(max_bytes=4_096)
        fetcher = WebFetcher(limits, allowed=LOOPBACK, resolver=resolver("127.0.0.1"))
        with pytest.raises(InvalidInput, match=message):
            await fetcher.fetch(f"http://site.example:{served.port}/")


async def test_a_server_that_never_ends_is_given_up() -> None:
    page = answer(content_length=str(len(PICTURE) + 1))
    async with site({"/?key=secret": page}, hangs=True) as served:
        limits = FetchLimits(timeout_s=0.2)
        fetcher = WebFetcher(limits, allowed=LOOPBACK, resolver=resolver("127.0.0.1"))
        with pytest.raises(InvalidInput, match=r"within 0\.2 s") as caught:
            await fetcher.fetch(f"http://site.example:{served.port}/?key=secret")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_the_system_resolves_numbers_in_every_spelling() -> None:
    for spelled in ("127.1", "0x7f.1", "2130706433"):
        assert await resolve(spelled, 80) == [ipaddress.ip_address("127.0.0.1")]
