"""What others make of the same sink, in the same run: the fastest a client can push, and a plain Django loop.

    python benchmarks/ceilings.py [--mails N]

Nothing of Courant is imported here. Each client is a process of its own; the clock runs from the moment when all have
their connection until the last has its last answer, and CPU seconds are the clients' own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import sys
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from tests.fakes.client import Fake

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESSES = multiprocessing.get_context("spawn")
SENDER = "editors@daily.example"
LINK = "https://news.example/s/unsubscribe/7.{}~abcdefghijklmnopqrstuvwxyz0123456789"
PARAGRAPH = (
    '<p style="margin: 0 0 16px 0; font: 16px/24px serif">The tide keeps its own clock, and so does the café on the'
    " quay, which opens when the first boat is in.</p>\n"
)
HTML = f'<html><body>\n{PARAGRAPH * 68}<a href="LINK">Leave</a>\n</body></html>\n'
TEXT = "The tide keeps its own clock, and so does the café on the quay.\n" * 25 + "Leave: LINK\n"
SUBJECT = "The tide keeps its own clock"
HEADERS = {
    "List-Id": "<daily.news.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
}
PACKET = 65_536


@dataclass(frozen=True, slots=True)
class Speed:
    per_second: float
    cpu_per_1000: float  # the clients' CPU seconds
    sink_per_1000: float  # and the sink's

    def __str__(self) -> str:
        return (
            f"{self.per_second:8,.0f} mails/s   {self.cpu_per_1000:.3f} CPU-s per 1,000"
            f"   (the sink {self.sink_per_1000:.3f})"
        )


def smtp_ceiling(fake: Fake, *, mails: int, processes: int) -> Speed:
    """Prepared bytes over one connection per process, as fast as the sink takes them."""
    return _measured(fake, _push, mails=mails, processes=processes)


def django_loop(fake: Fake, *, mails: int) -> Speed:
    """What one writes first: an EmailMultiAlternatives for each reader, over one open connection."""
    return _measured(fake, _loop, mails=mails, processes=1)


def raw_mail() -> tuple[bytes, bytes]:
    """A mail of 15 KB as it stands on the wire, without what is a reader's own; then its final dot."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["Subject"] = SENDER, SUBJECT
    for name, value in HEADERS.items():
        message[name] = value
    message.set_content(TEXT)
    message.add_alternative(HTML, subtype="html")
    return message.as_bytes().replace(b"\r\n.", b"\r\n.."), b"\r\n.\r\n"


def _push(port: int, numbers: range, ready: Any) -> tuple[float, float]:
    """The leanest loop there is: a join, a send and a receive for each mail, whose every other byte was made before."""
    mail, dot = raw_mail()
    own = [
        f"To: reader{number}@example.com\r\nMessage-ID: <{number}@news.example>\r\n"
        f"List-Unsubscribe: <{LINK.format(number)}>\r\n".encode()
        for number in numbers
    ]
    envelopes = [
        f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<reader{number}@example.com>\r\nDATA\r\n".encode()
        for number in numbers
    ]
    following = [*envelopes[1:], b"QUIT\r\n"]
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.recv(PACKET)
        line.sendall(b"EHLO bench\r\n")
        line.recv(PACKET)
        line.sendall(envelopes[0])
        _until(line, b"\r\n354 ")
        ready.wait()
        began = time.process_time()
        for mine, ahead in zip(own, following, strict=True):
            line.sendall(b"".join((mine, mail, dot, ahead)))
            if b"\r\n354 " not in (said := line.recv(PACKET)):
                _until(line, b"\r\n354 " if ahead[:1] == b"M" else b"221 ", said)
        return time.process_time() - began, time.time()


def _until(line: socket.socket, wanted: bytes, said: bytes = b"") -> None:
    while wanted not in said:
        packet = line.recv(PACKET)
        if not packet or said[:1] in {b"4", b"5"}:
            raise SystemExit(f"The sink did not take a mail: {said!r}")
        said += packet


def _loop(port: int, numbers: range, ready: Any) -> tuple[float, float]:
    from django.conf import settings  # noqa: PLC0415 -- slow import
    from django.core.mail import EmailMultiAlternatives, mailers  # noqa: PLC0415 -- slow import

    smtp = {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {"host": "127.0.0.1", "port": port},
    }
    settings.configure(MAILERS={"default": smtp})
    with mailers["default"] as connection:
        ready.wait()
        began = time.process_time()
        for number in numbers:
            link = LINK.format(number)
            message = EmailMultiAlternatives(
                subject=SUBJECT,
                body=TEXT.replace("LINK", link),
                from_email=SENDER,
                to=[f"reader{number}@example.com"],
                headers={**HEADERS, "List-Unsubscribe": f"<{link}>"},
            )
            message.attach_alternative(HTML.replace("LINK", link), "text/html")
            connection.send_messages([message])
        return time.process_time() - began, time.time()


def _measured(
    fake: Fake, client: Callable[[int, range, Any], tuple[float, float]], *, mails: int, processes: int
) -> Speed:
    """Runs the clients, and has the sink count afterwards: whoever was left out would make it look fast."""
    fake.reset()
    shares = [range(start, mails, processes) for start in range(processes)]
    ready, answers = PROCESSES.Barrier(processes + 1), PROCESSES.Queue()
    started = [
        PROCESSES.Process(target=_report, args=(client, fake.port, share, ready, answers)) for share in shares
    ]
    for process in started:
        process.start()
    ready.wait(60)
    sink_began, began = _cpu(fake), time.time()
    reports = [answers.get(timeout=600) for _ in started]
    for process in started:
        process.join()
    seen = fake.seen()
    if (seen["mails"], seen["recipients"]) != (mails, mails):
        raise SystemExit(f"Not every reader got one mail: {seen}")
    seconds = max(ended for _cpu_seconds, ended in reports) - began
    clients = sum(cpu_seconds for cpu_seconds, _ended in reports)
    return Speed(mails / seconds, clients / mails * 1000, (_cpu(fake) - sink_began) / mails * 1000)


def _report(client: Callable[..., Any], port: int, share: range, ready: Any, answers: Any) -> None:
    answers.put(client(port, share, ready))


def _cpu(fake: Fake) -> float:
    times = psutil.Process(fake.pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mails", type=int, default=40_000)
    chosen = parser.parse_args()
    print(f"{chosen.mails:,} mails of {sum(map(len, raw_mail())):,} bytes")
    with Fake("smtp", keep="none") as fake:
        for processes in (1, 2):
            speed = smtp_ceiling(fake, mails=chosen.mails, processes=processes)
            print(f"ceiling, {processes} process{'es' if processes > 1 else ''}".ljust(24), speed)
        print("Django's loop".ljust(24), django_loop(fake, mails=max(1, chosen.mails // 20)))


if __name__ == "__main__":
    main()
