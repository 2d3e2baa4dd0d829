"""Each provider's call for many readers, read as its manual says it is read."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from tests.delivery.gateway.mails import KEY


class Got(NamedTuple):
    """One reader's mail."""

    to: list[str]
    subject: str
    headers: dict[str, str]
    html: str
    text: str
    delivery: str


def fields(body: bytes) -> dict[str, list[str]]:
    """multipart/form-data (RFC 7578)."""
    boundary = body.partition(b"\r\n")[0]
    found: dict[str, list[str]] = {}
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name is not None
        found.setdefault(name[1].decode(), []).append(value.removesuffix(b"\r\n").decode())
    return found


def mailgun(body: bytes) -> list[Got]:
    sent = fields(body)
    variables = json.loads(sent["recipient-variables"][0])
    got = []
    for to in sent["to"]:
        own = {
            name: re.sub(r"%recipient\.([^%]+)%", lambda found: variables[to][found[1]], value[0])  # noqa: B023 -- called at once
            for name, value in sent.items()
        }
        headers = {name[2:]: value for name, value in own.items() if name.startswith("h:")}
        headers.pop("Reply-To", None)
        got.append(Got([to], own["subject"], headers, own["html"], own["text"], own["v:delivery"]))
    return got


def mailjet(body: bytes) -> list[Got]:
    sent = json.loads(body)
    shared = sent["Globals"]
    assert shared["TemplateLanguage"] is True
    return [
        Got(
            [to["Email"] for to in one["To"]],
            shared["Subject"],
            one["Headers"],  # instead of the shared ones
            filled(shared["HTMLPart"], r"\[\[var:(\w+)\]\]", one["Variables"]),
            filled(shared["TextPart"], r"\[\[var:(\w+)\]\]", one["Variables"]),
            json.loads(one["EventPayload"])["delivery"],
        )
        for one in sent["Messages"]
    ]


def sendgrid(body: bytes) -> list[Got]:
    sent = json.loads(body)
    text, html = sent["content"]
    assert (text["type"], html["type"]) == ("text/plain", "text/html")
    return [
        Got(
            [to["email"] for to in one["to"]],
            sent["subject"],
            one["headers"],
            filled(html["value"], r"(-courant-r\d-)", one["substitutions"]),
            filled(text["value"], r"(-courant-r\d-)", one["substitutions"]),
            one["custom_args"]["delivery"],
        )
        for one in sent["personalizations"]
    ]


def resend(body: bytes) -> list[Got]:
    got = []
    for one in json.loads(body):
        headers = dict(one["headers"])
        delivery = json.loads(headers.pop("X-Metadata"))["delivery"]
        got.append(Got(one["to"], one["subject"], headers, one["html"], one["text"], delivery))
    return got


def postmark(body: bytes) -> list[Got]:
    return [
        Got(
            one["To"].split(","),
            one["Subject"],
            {header["Name"]: header["Value"] for header in one["Headers"]},
            one["HtmlBody"],
            one["TextBody"],
            one["Metadata"]["delivery"],
        )
        for one in json.loads(body)
        if one["MessageStream"] == "broadcast"
    ]


def mailtrap(body: bytes) -> list[Got]:
    sent = json.loads(body)
    return [
        Got(
            [to["email"] for to in one["to"]],
            sent["base"]["subject"],
            one["headers"],
            one["html"],
            one["text"],
            one["custom_variables"]["delivery"],
        )
        for one in sent["requests"]
    ]


def brevo(body: bytes) -> list[Got]:
    sent = json.loads(body)
    assert sent["headers"] == {"idempotencyKey": KEY}
    assert "htmlContent" not in sent
    got = []
    for one in sent["messageVersions"]:
        headers = dict(one["headers"])
        delivery = json.loads(headers.pop("X-Mailin-custom"))["delivery"]
        to = [to["email"] for to in one["to"]]
        got.append(Got(to, sent["subject"], headers, one["htmlContent"], one["textContent"], delivery))
    return got


def lowered(headers: dict[str, str]) -> dict[str, str]:
    """A header's name is the same in every case."""
    return {name.lower(): value for name, value in headers.items()}


def filled(text: str, slot: str, values: dict[str, str]) -> str:
    return re.sub(slot, lambda found: values[found[1]], text)


READ = {
    "brevo": brevo,
    "mailgun": mailgun,
    "mailjet": mailjet,
    "mailtrap": mailtrap,
    "postmark": postmark,
    "resend": resend,
    "sendgrid": sendgrid,
}
