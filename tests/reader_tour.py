"""Every page a reader can come to and every letter they can get, once, in one language: for tests that read them all.

What is data stands in marks (§), so that whoever reads can tell it from our own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from delivery.models import Dispatch
from newsletter import faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter, ReaderField
from newsletter.views import refusals
from subscribers import changing_address, guard, tokens
from subscribers.letters.writing import ENDS, mail
from subscribers.models import Letter, Subscription, Suppression
from tests import factories

BODY = (
    '<p class="lead">§ <span class="field" data-field="first_name" data-fallback="§">x</span></p>'
    '<aside class="take" data-block="take"><p>§</p></aside><aside class="sponsor" data-block="sponsor"><p>§</p></aside>'
    '<section class="also" data-block="also"><ul><li>§</li></ul></section>'
    '<p><a href="https://example.org/">§</a></p><div data-block="feedback"></div><div data-block="subscribe"></div>'
)

type Stops = Iterator[tuple[str, HttpResponse]]


class Tour:
    def __init__(self, language: str) -> None:
        self.language = language
        self.client = Client(headers={"Accept-Language": language})
        own = {"language": language, "postal_address": "§ 1", "sender_name": "§", "tagline": "§"}
        self.daily = factories.newsletter(
            "daily", name="§Daily", active_readers=1234, digest_day=0, offers_weekdays=True, **own
        )
        self.weekly = factories.newsletter("weekly", name="§Weekly", confirms_by_mail=False, **own)
        self._fields()
        for number in range(22):
            at = timezone.now() - timedelta(days=number)
            self._issue(f"day-{number}", published_at=at)
        self.issue = self._issue("hidden", visibility="readers", published_at=timezone.now())

    def _fields(self) -> None:
        made = {"newsletter": self.daily, "is_asked": True, "is_required": True}
        ReaderField.objects.create(name="town", label="§Town", **made)
        ReaderField.objects.create(name="team", label="§Team", kind="choice", choices="§a\n§b", **made)
        ReaderField.objects.create(name="born", label="§Born", kind="date", **made)
        apart = made | {"newsletter": self.weekly, "is_required": False}
        ReaderField.objects.create(name="team", label="§Other", kind="text", **apart)

    def _issue(self, slug: str, **fields: object) -> Issue:
        words = {
            "subject": "§",
            "preheader": "§",
            "authors": "§",
            "tags": "§",
            "body": BODY,
            "status": "sent",
        }
        return factories.issue(self.daily, slug, **words | fields)

    def reader(self, name: str, *, of: Newsletter | None = None, **fields: object) -> Subscription:
        return factories.subscription(of or self.daily, f"{name}@example.com", **fields)

    def stops(self) -> Stops:
        yield from self.public()
        yield from self.signing_up()
        yield from self.confirming()
        yield from self.leaving()
        yield from self.managing()
        yield from self.moving()
        yield from self.answering()
        yield from self.refused()

    def get(self, name: str, path: str) -> tuple[str, HttpResponse]:
        return name, self.client.get(path)

    def post(self, name: str, path: str, **typed: object) -> tuple[str, HttpResponse]:
        return name, self.client.post(path, typed, follow=True)

    def public(self) -> Stops:
        yield self.get("front page", "/")
        yield self.get("archive", "/daily/")
        yield self.get("archive, page 2", "/daily/?page=2")
        yield self.get("archive, empty", "/weekly/")
        yield self.get("issue", "/daily/day-1/")
        yield self.get("issue for readers", "/daily/hidden/")

    def signing_up(self) -> Stops:
        answers = {"known_town": "§", "known_team": "§a", "known_born": "1980-01-02"}
        again = {"again": ""}
        yield self.get("sign up", "/daily/subscribe/")
        yield self.post("sign up, nothing typed", "/daily/subscribe/")
        wrong = {"email": "nobody", "first_name": "www.§", "known_born": "then", "known_team": "x"}
        yield self.post("sign up, all wrong", "/daily/subscribe/", **wrong)
        yield self.post("did you mean", "/daily/subscribe/", email="ada@gmial.com", **answers)
        name, page = self.post(
            "next page", "/daily/subscribe/", email=f"{self.language}@example.com", **answers
        )
        yield name, page
        again["again"] = page.context["again"]
        yield self.post("sent again", "/daily/subscribe/again/", **again)
        yield self.post("too late to send again", "/daily/subscribe/again/", again="x")
        yield self.post(
            "next page, without confirming", "/weekly/subscribe/", email=f"{self.language}@example.com"
        )
        quick = {"email": "eve@example.com", "shown": guard.form_token(), **answers}
        name, page = self.post("riddle", "/daily/subscribe/", **quick)
        yield name, page
        yield self.post("riddle, too early", "/daily/subscribe/", riddle=page.context["riddle"].text, **quick)
        yield self.post("too large", "/daily/subscribe/", email="x" * 70_000)
        yield self.get("frame", "/daily/embed/")
        yield self.post("frame, wrong", "/daily/embed/")
        yield self.get("sign up to several", "/subscribe/")
        yield self.post("sign up to several, nothing typed", "/subscribe/")
        both = {"newsletters": [self.daily.pk], "email": f"several.{self.language}@example.com"}
        yield self.post("next page of several", "/subscribe/", **both, **answers)

    def confirming(self) -> Stops:
        bob = self.reader("bob", status="pending")
        path = f"/s/confirm/{tokens.confirm_token(bob)}/"
        yield self.get("confirm", path)
        with later(tokens.CONFIRM_LIFE):
            yield self.get("confirm, too late", path)
        yield self.post("a fresh link", f"{path}again/")
        self.reader("bob", of=self.weekly, status="pending")
        yield self.get("confirm, and one along", path)
        yield self.post("confirmed", path)
        yield self.get("confirmed before", path)
        both = [self.reader("two", of=each, status="pending") for each in (self.daily, self.weekly)]
        path = f"/s/confirm/{tokens.confirm_token(*both)}/"
        yield self.get("confirm two", path)
        yield self.post("confirmed two", path)
        yield self.get("confirmed two before", path)
        for purpose in ("read", "feedback"):
            token = tokens.reader_tokens(purpose, mark="0")(tokens.NOBODY)
            yield self.get(f"test mail, {purpose}", f"/s/{purpose}/{token}/")
        yield self.get("test mail, unsubscribe", f"/s/unsubscribe/{tokens.unsubscribe_token(tokens.NOBODY)}")
        yield self.get("unknown link", "/s/confirm/x/")

    def leaving(self) -> Stops:
        for offer in ("weekly", "weekdays", "two_weeks", "month"):
            token = tokens.unsubscribe_token(self.reader(f"rests-{offer}").pk)
            yield self.post(f"takes {offer}", f"/s/rest/{token}/", offer=offer)
            yield self.get(f"leaves after {offer}", f"/s/unsubscribe/{token}")
        yield self.post("link by mail", f"/s/link/{token}/")
        carl, pending = self.reader("carl"), self.reader("pending", status="pending")
        path = f"/s/unsubscribe/{tokens.unsubscribe_token(carl.pk)}"
        yield self.get("leave", path)
        yield self.get("leave, not confirmed", f"/s/unsubscribe/{tokens.unsubscribe_token(pending.pk)}")
        yield self.get("nobody", f"/s/unsubscribe/{tokens.unsubscribe_token(987654321)}")
        yield self.post("left", path)
        yield self.get("had left", path)
        carl.refresh_from_db()
        token = tokens.back_token(carl)
        yield self.post("said why", f"/s/why/{token}/", reason="often", words="§")
        yield self.get("back", f"/s/back/{token}/")
        with later(tokens.BACK_ON_PAGE):
            yield self.get("back, too late", f"/s/back/{token}/")
        yield self.post("is back", f"/s/back/{token}/")

    def managing(self) -> Stops:
        yield self.get("ask for the link", "/your-subscriptions/")
        yield self.post("ask for the link, nothing typed", "/daily/manage/")
        yield self.post("asked for the link", "/your-subscriptions/", email=f"{self.language}@example.com")
        for status in ("active", "paused", "pending", "unsubscribed"):
            dora = self.reader(f"dora-{status}", status=status)
            yield self.get(f"manage, {status}", manage(dora))
        for frequency in Subscription.Frequency:
            dora = self.reader(f"dora-{frequency}", frequency=frequency)
            yield self.get(f"manage, {frequency}", manage(dora))
        for reason in Suppression.Reason:
            dora = self.reader(f"dora-{reason}")
            Suppression.objects.create(address_key=dora.subscriber.address_key, reason=reason)
            yield self.get(f"manage, {reason}", manage(dora))
        dora = self.reader("dora", fields={"town": "§"})
        for step in ("of/daily/how-often/", "of/daily/fields/", "you/", "address/"):
            yield self.post(f"manage, {step} wrong", manage(dora, step), language="x")
        yield self.post("manage, rests", manage(dora, "of/daily/how-often/"), rhythm="month")
        for step in ("of/daily/go-on/", "of/daily/leave/", "of/daily/begin/", "of/weekly/begin/", "you/"):
            yield self.post(f"manage, {step}", manage(dora, step))
        yield self.post("manage, did you mean", manage(dora, "address/"), new_email="dora@gmial.com")
        yield self.post(
            "manage, letters that few take", manage(dora, "address/"), new_email="dörä@example.com"
        )
        yield self.post("manage, moves", manage(dora, "address/"), new_email="dora@new.example.com")
        yield self.post("manage, stays", manage(dora, "address/keep/"))
        yield self.get("delete", manage(dora, "delete/"))
        path = manage(dora)
        with later(tokens.MANAGE_LIFE):
            yield self.get("manage, too late", path)
        yield self.post("a fresh link to manage", f"{path}fresh/")
        yield self.post("deleted", manage(dora, "delete/"))
        yield self.get("manage, gone", path)

    def moving(self) -> Stops:
        finn, gina = self.reader("finn"), self.reader("gina")
        bad = self.reader("bad").subscriber
        Suppression.objects.create(address_key=bad.address_key, reason="complaint")
        for new_email in (gina.subscriber.email, bad.email, "finn@new.example.com"):
            change = changing_address.ask(finn.subscriber, new_email=new_email, now=timezone.now())
            old, new = (f"/s/change/{tokens.change_token(change.pk, end=end)}/" for end in ("old", "new"))
            yield self.get(f"move to {new_email}", new)
        yield self.get("move away", old)
        yield self.post("moves away", old)
        yield self.post("moved", new)
        change = changing_address.ask(gina.subscriber, new_email="g@new.example.com", now=timezone.now())
        path = f"/s/change/{tokens.change_token(change.pk, end='new')}/"
        yield self.post("moves here", path)
        changing_address.call_off(gina.subscriber, now=timezone.now())
        yield self.get("move, called off", path)

    def answering(self) -> Stops:
        hugo = self.reader("hugo")
        dispatch = Dispatch.objects.create(issue=self.issue, batch_size=1, started_at=timezone.now())
        path = f"/s/feedback/{tokens.reader_tokens('feedback', mark=str(dispatch.pk))(hugo.pk)}/"
        yield self.get("feedback", path)
        yield self.get("feedback, from the mail", f"{path}?answer=fair")
        yield self.post("feedback given", path, answer="good")
        read = tokens.reader_tokens("read", mark=str(dispatch.pk))(hugo.pk)
        yield self.get("read", f"/s/read/{read}/")

    def refused(self) -> Stops:
        yield "host that is not ours", self.client.get("/", headers={"host": "elsewhere.example"})
        yield self.get("nothing here", "/nothing/here/")
        request = RequestFactory(headers={"Accept-Language": self.language}).get("/")
        yield "no right", refusals.refused(request, PermissionError())
        yield "no token", refusals.untrusted(request)
        yield "broken", refusals.broken(request)

    def letters(self) -> Iterator[tuple[str, str, str]]:
        """Name, text and HTML of each, the issue's own first."""
        with spoken_by(self.daily):
            edition, masthead = faces.edition(self.issue), faces.masthead(self.daily)
            yield "issue", rendering.mail_text(edition, masthead), rendering.mail_html(edition, masthead)
        ivan = self.reader("ivan", status="pending")
        also = self.reader("ivan", of=self.weekly, status="pending")
        jane = self.reader("jane")
        left = self.reader("left", status="unsubscribed", left_as="active")
        change = changing_address.ask(jane.subscriber, new_email="j@new.example.com", now=timezone.now())
        for kind in ENDS:
            of = {Letter.Kind.CONFIRMATION: ivan, Letter.Kind.REMINDER: ivan, Letter.Kind.GOODBYE: left}
            whose = of.get(kind, jane)
            letter = Letter(kind=kind, subscriber=whose.subscriber, newsletter=self.daily, change=change)
            letter.subscription = whose
            said = mail(letter, covered=[ivan, also])
            assert said, kind
            yield f"letter, {kind}", f"{said.subject}\n{said.text}", said.html


def manage(subscription: Subscription, step: str = "") -> str:
    subscription.subscriber.refresh_from_db()
    return f"/s/manage/{tokens.manage_token(subscription.subscriber)}/{step}"


@contextmanager
def later(life: timedelta) -> Iterator[None]:
    """To tokens it is so much later, and a second."""
    then = timezone.now().timestamp() + life.total_seconds() + 1
    with patch("django.core.signing.time.time", lambda: then):
        yield
