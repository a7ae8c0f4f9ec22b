"""Who may ask a server: from where, with what token, how much, how slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from durable_notebook.errors import ConfigError
from durable_notebook.server import AccessPolicy

TOKEN = "a-token-of-some-length"
PAGE = "https://app.example.org"


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"length": len(await request.body())})


def asking(
    policy: AccessPolicy, base: str = "http://127.0.0.1:8000"
) -> httpx.AsyncClient:
    """Whoever asks an application that has this policy."""
    routes = ["/echo", "/health"]
    app = Starlette(routes=[Route(r, echo, methods=["GET", "POST"]) for r in routes])
    policy.guard(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)


async def status(client: httpx.AsyncClient, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client:
        return (await client.post("/echo", headers=named, content=b"x")).status_code


# -- where it listens ------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", ""])
def test_an_address_of_others_demands_a_token(host: str) -> None:
    with pytest.raises(ConfigError, match="Give the server a token"):
        AccessPolicy(host=host)

    assert not AccessPolicy(host=host, token=TOKEN).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert AccessPolicy(host=host).is_loopback


@pytest.mark.parametrize("token", ["", "short", "with blanks in it now", "ä" * 20])
def test_a_weak_token_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="token"):
        AccessPolicy(token=token)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "app.example.org",
        "https://app.example.org/",
        "https://*",
        "null",
        "ftp://a",
    ],
)
def test_an_origin_that_is_not_exact_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="no exact origin"):
        AccessPolicy(origins=(origin,))


# -- who asks --------------------------------------------------------------------------


async def test_without_a_token_programs_of_this_machine_are_answered() -> None:
    assert await status(asking(AccessPolicy())) == 200


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"],
)
async def test_a_wrong_token_is_refused(given: str) -> None:
    assert await status(asking(AccessPolicy(token=TOKEN)), authorization=given) == 401


async def test_no_token_is_refused_and_says_what_is_wanted() -> None:
    async with asking(AccessPolicy(token=TOKEN)) as client:
        reply = await client.get("/echo")
        health = await client.get("/health")

    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in reply.json()["detail"]
    assert health.status_code == 200


async def test_the_right_token_is_let_in() -> None:
    policy = AccessPolicy(host="0.0.0.0", token=TOKEN)
    client = asking(policy, "http://runs.example.org")
    assert await status(client, authorization=f"Bearer {TOKEN}") == 200


# -- pages -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1"]
)
async def test_a_foreign_page_is_refused(origin: str) -> None:
    """Also with a simple post, which a browser sends without asking first."""
    assert await status(asking(AccessPolicy()), origin=origin) == 403


async def test_the_server_s_own_page_is_let_in() -> None:
    assert await status(asking(AccessPolicy()), origin="http://127.0.0.1:8000") == 200


async def test_a_name_that_leads_here_is_refused() -> None:
    """A page of that name would be of the server's own origin to the browser."""
    client = asking(AccessPolicy(), "http://evil.example:8000")
    assert await status(client, origin="http://evil.example:8000") == 421


@pytest.mark.parametrize("host", ["", "[", "[::1", "a b", ":", "127.0.0.1:x]"])
async def test_a_name_that_is_none_is_refused(host: str) -> None:
    assert await status(asking(AccessPolicy()), host=host) == 421


async def test_a_page_that_was_named_may_ask_and_read() -> None:
    async with asking(AccessPolicy(token=TOKEN, origins=(PAGE,))) as client:
        wanted = {
            "origin": PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        preflight = await client.options("/echo", headers=wanted)
        foreign = await client.options(
            "/echo", headers={**wanted, "origin": "http://x"}
        )
        known = {"origin": PAGE, "authorization": f"Bearer {TOKEN}"}
        reply = await client.post("/echo", headers=known, content=b"x")
        refused = await client.post("/echo", headers={"origin": PAGE}, content=b"x")

    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert foreign.status_code == 400
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE


# -- how much --------------------------------------------------------------------------


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_body_that_is_too_long_is_refused(is_told: bool) -> None:
    """Whether its length is told before, or it just goes on and on."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    content: Any = b"x" * 1500 if is_told else parts()
    async with asking(AccessPolicy(most_bytes=1024)) as client:
        reply = await client.post("/echo", content=content)

    assert reply.status_code == 413
    assert "longer" in reply.json()["detail"]


async def test_the_longest_body_is_taken() -> None:
    async with asking(AccessPolicy(most_bytes=1024)) as client:
        reply = await client.post("/echo", content=b"x" * 1024)

    assert reply.json() == {"length": 1024}


@pytest.fixture
def stuck() -> Iterator[asyncio.Event]:
    event = asyncio.Event()
    yield event
    event.set()


async def test_a_body_that_does_not_come_is_given_up(stuck: asyncio.Event) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"x"
        await stuck.wait()

    async with asking(AccessPolicy(slowest_s=0.05)) as client:
        reply = await client.post("/echo", content=parts())

    assert reply.status_code == 408
