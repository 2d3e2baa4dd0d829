"""Following links: against a real server on this machine, which production's own policy must never reach."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from newsletter.linkcheck.addresses import Address
from newsletter.linkcheck.probing import Found, Outcome, Prober
from tests.newsletter.web import Server

LOOPBACK = ip_address("127.0.0.1")
PUBLIC = ip_address("93.184.216.34")


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def web(running: Server) -> Server:
    running.seen.clear()
    running.connections = 0
    return running


def to_loopback(host: str) -> list[Address]:
    return [LOOPBACK]


def local(web: Server, **options: Any) -> Prober:
    """One that may go where production's may not."""
    given = {"resolve": to_loopback, "may_reach": lambda address: True, "ports": frozenset({web.port})}
    return Prober(agent="Courant test", **given | options)


def strict(web: Server, **options: Any) -> Prober:
    """Production's policy; only the port is this server's, so that the policy alone can keep it out."""
    return Prober(agent="Courant test", ports=frozenset({web.port, 80, 443}), **options)


def url(web: Server, path: str, *, host: str = "tides.example.org") -> str:
    return f"http://{host}:{web.port}{path}"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Found(Outcome.FINE, "200")),
        (206, Found(Outcome.FINE, "206")),
        (401, Found(Outcome.FINE, "401")),
        (403, Found(Outcome.FINE, "403")),
        (404, Found(Outcome.BROKEN, "404")),
        (410, Found(Outcome.BROKEN, "410")),
        (429, Found(Outcome.FINE, "429")),
        (500, Found(Outcome.SILENT, "500")),
        (503, Found(Outcome.SILENT, "503")),
        (999, Found(Outcome.FINE, "999")),
    ],
)
def test_follow_reads_the_answer(web: Server, status: int, expected: Found) -> None:
    assert local(web).follow(url(web, f"/status/{status}")) == expected


def test_follow_asks_again_where_head_says_nothing(web: Server) -> None:
    found = local(web).follow(url(web, "/get-only"))

    assert found == Found(Outcome.FINE, "200")
    assert [verb for verb, _path, _headers in web.seen] == ["HEAD", "GET"]


def test_follow_says_who_it_is_and_brings_nothing_along(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    found = local(web).follow(url(web, "/to?/status/200?q=brücke und tee"))

    assert found == Found(Outcome.FINE, "200")
    assert [(verb, path) for verb, path, _headers in web.seen] == [
        ("HEAD", "/to?/status/200?q=br%C3%BCcke%20und%20tee"),
        ("HEAD", "/status/200?q=br%C3%BCcke%20und%20tee"),
    ]
    assert web.seen[-1][2] == {
        "Host": f"tides.example.org:{web.port}",
        "Accept-Encoding": "identity",
        "User-Agent": "Courant test",
        "Accept": "*/*",
        "Range": "bytes=0-0",
        "Connection": "close",
    }


def test_follow_ends_circles(web: Server) -> None:
    path = "/to?" * 9 + "/status/200"

    assert local(web).follow(url(web, path)) == Found(Outcome.BROKEN, "loop")
    assert len(web.seen) == 6


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("ftp://example.org/", Found(Outcome.BROKEN, "address")),
        ("http://[half", Found(Outcome.BROKEN, "address")),
        ("https://ada:secret@example.org/", Found(Outcome.SILENT, "credentials")),
        ("http://example.org:25/", Found(Outcome.SILENT, "port")),
    ],
)
def test_follow_stops_where_a_redirect_leads_astray(web: Server, location: str, expected: Found) -> None:
    assert local(web).follow(url(web, f"/to?{location}")) == expected
    assert len(web.seen) == 1


def test_follow_ends_in_time_whatever_a_host_does(web: Server) -> None:
    begin = time.monotonic()

    found = local(web, seconds=0.4).follow(url(web, "/drip"))

    assert found == Found(Outcome.SILENT, "slow")
    assert time.monotonic() - begin < 2.0


def test_follow_tells_an_unknown_host_from_a_resolver_that_is_away(web: Server) -> None:
    def unknown(host: str) -> list[Address]:
        if host == "example.com":
            return [PUBLIC]
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    def cut_off(host: str) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    def away(host: str) -> list[Address]:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    assert [local(web, resolve=each).follow(url(web, "/")) for each in (unknown, cut_off, away)] == [
        Found(Outcome.BROKEN, "host"),
        Found(Outcome.SILENT, "lookup"),
        Found(Outcome.SILENT, "lookup"),
    ]


def test_follow_where_nobody_listens(web: Server) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        prober = local(web, ports=frozenset({port}))

        assert prober.follow(f"http://tides.example.org:{port}/") == Found(Outcome.SILENT, "silent")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST.", "[::1]"),
        *(
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "0",
            "１２７.0.0.1",
            "%31%32%37.0.0.1",
        ),
    ],
)
def test_production_never_connects_to_this_machine(web: Server, host: str) -> None:
    assert strict(web).follow(url(web, "/", host=host)) == Found(Outcome.REFUSED, "private")
    assert web.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
    ],
)
def test_production_never_connects_where_a_name_leads_inside(web: Server, addresses: list[str]) -> None:
    prober = strict(web, resolve=lambda host: [ip_address(each) for each in addresses])

    assert prober.follow(url(web, "/")) == Found(Outcome.REFUSED, "private")
    assert web.connections == 0


def test_redirect_into_our_network_is_not_followed(web: Server) -> None:
    """The first hop is allowed, as a public host would be; the second is looked at anew."""
    asked: list[str] = []

    def resolve(host: str) -> list[Address]:
        asked.append(host)
        return [LOOPBACK]

    may_reach = iter([True, False])
    prober = local(web, resolve=resolve, may_reach=lambda address: next(may_reach))

    found = prober.follow(url(web, f"/to?http://inside.example.org:{web.port}/status/200"))

    assert found == Found(Outcome.REFUSED, "private")
    assert asked == ["tides.example.org", "inside.example.org"]
    assert web.connections == 1


def test_name_is_looked_up_once_for_each_hop_so_that_it_cannot_change(web: Server) -> None:
    answers = iter([[LOOPBACK], [ip_address("10.0.0.1")]])
    prober = local(web, resolve=lambda host: next(answers))

    assert prober.follow(url(web, "/get-only")) == Found(Outcome.FINE, "200")
    assert next(answers) == [ip_address("10.0.0.1")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For secure.example.org, by an authority that nobody knows."""
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=secure.example.org", "-addext", "subjectAltName=DNS:secure.example.org"]
    files = ["-keyout", folder / "both.pem", "-out", folder / "certificate.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    with (folder / "both.pem").open("a") as both:
        both.write((folder / "certificate.pem").read_text())
    return folder


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    server = Server()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_certificate_must_be_the_names_own(secure: Server, certificate: Path) -> None:
    known = ssl.create_default_context(cafile=certificate / "certificate.pem")

    def follow(host: str, tls: ssl.SSLContext | None) -> Found:
        return local(secure, tls=tls).follow(f"https://{host}:{secure.port}/status/200")

    assert follow("secure.example.org", known) == Found(Outcome.FINE, "200")
    assert follow("other.example.org", known) == Found(Outcome.SILENT, "certificate")
    assert follow("secure.example.org", None) == Found(Outcome.SILENT, "certificate")
