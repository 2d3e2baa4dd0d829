"""How fast it could go by HTTP: a client that only pushes prepared bytes, and Anymail without a ledger."""

from __future__ import annotations

import json
import multiprocessing
import socket
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import mailers

from tests.fakes.client import DOMAIN, KEY, Fake

PATIENCE, LONGEST = 120.0, 1800.0  # seconds for clients to start, and to come to an end
BOUNDARY = "courant-ceiling"
JSON = {"Content-Type": "application/json"}
Start = Callable[[], object]  # waits until everybody is ready


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready for the wire but for its idempotency key, which is another one each time it is pushed."""

    head: str  # without the empty line at its end
    body: bytes
    is_keyed: bool = False

    def __len__(self) -> int:
        return len(self.body)


def push(fake: Fake, call: Call, *, calls: int, processes: int) -> float:
    """Seconds until `calls` calls, shared out among so many processes, were answered. Each waits for its answers."""
    shares = [calls // processes + (number < calls % processes) for number in range(processes)]
    return _at_once(_push, [(fake.port, call, share) for share in shares])


def _push(start: Start, port: int, call: Call, calls: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        start()
        for _ in range(calls):
            key = f"Idempotency-Key: {uuid.uuid4()}\r\n" if call.is_keyed else ""
            connection.sendall(f"{call.head}{key}\r\n".encode())
            connection.sendall(call.body)
            _read_answer(connection)


def _read_answer(connection: socket.socket) -> None:
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += _heard(connection)
    head, _, body = heard.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"The fake refused a call: {heard[:500]!r}")
    _, _, length = head.lower().partition(b"content-length: ")
    left = int(length.split()[0]) - len(body)
    while left > 0:
        left -= len(_heard(connection))


def _heard(connection: socket.socket) -> bytes:
    packet = connection.recv(262_144)
    if not packet:
        raise RuntimeError("The fake hung up.")
    return packet


def mailgun_call(mail: dict[str, Any], readers: int) -> Call:
    """The call that brings this mail, as one reader got it, to many: a slot where that reader's link stood."""
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    fields = {
        name: mail[name].replace(link, "%recipient.r0%") for name in ("from", "subject", "text", "html")
    }
    for name, value in mail["headers"].items():
        fields[f"h:{name}"] = value.replace(link, "%recipient.r0%")
    people = {address: {"r0": link, "d": "1000000"} for address in addresses(readers)}
    pairs = [*fields.items(), *(("to", address) for address in people)]
    pairs.append(("recipient-variables", json.dumps(people, separators=(",", ":"))))
    begin = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
    body = "".join(f'{begin}{name}"\r\n\r\n{value}\r\n' for name, value in pairs) + f"--{BOUNDARY}--\r\n"
    login = b64encode(f"api:{KEY}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    return _call(f"/v3/{DOMAIN}/messages", headers, body)


def postmark_call(mail: dict[str, Any], readers: int) -> Call:
    """This mail, as one reader got it, once for each of many."""
    headers = [{"Name": name, "Value": value} for name, value in mail["Headers"].items()]
    own = {name: value for name, value in mail.items() if name != "MessageID"} | {"Headers": headers}
    mails = [own | {"To": address} for address in addresses(readers)]
    return _call("/email/batch", {"X-Postmark-Server-Token": KEY, **JSON}, _json(mails))


def resend_call(mail: dict[str, Any], readers: int) -> Call:
    own = {name: value for name, value in mail.items() if name != "id"}
    mails = [own | {"to": [address]} for address in addresses(readers)]
    headers = {"Authorization": f"Bearer {KEY}", "User-Agent": "Courant", **JSON}
    return _call("/emails/batch", headers, _json(mails), is_keyed=True)


def addresses(readers: int, *, first: int = 0) -> list[str]:
    """As readers.py makes them."""
    return [f"reader.{number}@example{number % 97}.com" for number in range(first, first + readers)]


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _call(path: str, headers: dict[str, str], body: str, *, is_keyed: bool = False) -> Call:
    data = body.encode()
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return Call("".join(f"{line}\r\n" for line in lines), data, is_keyed)


def anymail_mailgun(fake: Fake, mail: dict[str, Any], *, readers: int, at_once: int) -> float:
    """Seconds in which Anymail's Mailgun backend, in one process, sends this mail to so many by batches of `at_once`.

    Its readers and their links are at hand: nothing is asked, nothing is written down.
    """
    return _at_once(_anymail_mailgun, [(fake.url, mail, readers, at_once)])


def _anymail_mailgun(start: Start, url: str, mail: dict[str, Any], readers: int, at_once: int) -> None:
    options = {"api_key": KEY, "sender_domain": DOMAIN, "api_url": url}
    backend = "anymail.backends.mailgun.EmailBackend"
    settings.configure(MAILERS={"default": {"BACKEND": backend, "OPTIONS": options}})
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    batches = []
    for first in range(0, readers, at_once):
        people = addresses(min(at_once, readers - first), first=first)
        batches.append({person: f"{link[:-8]}{first + n:08}" for n, person in enumerate(people)})
    headers = {name: value for name, value in mail["headers"].items() if name != "List-Unsubscribe"}
    text, html = (mail[part].replace(link, "%recipient.link%") for part in ("text", "html"))
    opened: Any = mailers["default"]
    opened.open()  # one session for all its calls, as a careful user has it
    start()
    for links in batches:
        message = AnymailMessage(mail["subject"], text, mail["from"], list(links), headers=headers)
        message.attach_alternative(html, "text/html")
        message.merge_data = {person: {"link": own} for person, own in links.items()}
        message.merge_headers = {person: {"List-Unsubscribe": f"<{own}>"} for person, own in links.items()}
        opened.send_messages([message])


def _at_once(work: Callable[..., None], given: list[tuple[Any, ...]]) -> float:
    """Seconds in which a process for each of `given`, all of them ready before the clock starts, does its work."""
    context = multiprocessing.get_context("spawn")
    begin, end = context.Barrier(len(given) + 1), context.Barrier(len(given) + 1)
    processes = [context.Process(target=_work, args=(work, begin, end, one), daemon=True) for one in given]
    try:
        for process in processes:
            process.start()
        begin.wait(PATIENCE)
        start = time.monotonic()
        end.wait(LONGEST)
        return time.monotonic() - start
    except BrokenBarrierError:
        raise SystemExit("A client failed; it said above why.") from None
    finally:
        for process in multiprocessing.active_children():
            process.join(PATIENCE)


def _work(work: Callable[..., None], begin: Barrier, end: Barrier, given: tuple[Any, ...]) -> None:
    try:
        work(partial(begin.wait, PATIENCE), *given)
        end.wait(LONGEST)
    except BaseException:  # nobody needs to wait for us
        begin.abort()
        end.abort()
        raise
