"""Any sequence of what may happen to readers, and what must hold after each step."""

from __future__ import annotations

import io
import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from newsletter.models import Newsletter
from subscribers import (
    changing_address,
    consent,
    forgetting,
    importing,
    letters,
    lifecycle,
    resting,
    sign_ups,
)
from subscribers.consent import Circumstances, Kind, Method
from subscribers.models import ConsentEvent, Letter, Subscriber, Subscription, Suppression
from tests import factories

Status = Subscription.Status
Reason = Suppression.Reason
PEOPLE = ["ada@example.com", "bob@example.com"]
NEWSLETTERS = ["daily", "weekly"]  # the weekly does without a mail to confirm
newsletters = st.sampled_from(NEWSLETTERS)
# A complaint is the end of all that follows, so it is the rarest.
RARE = ["request", "erase", "move", "hard_bounce"] * 3 + ["complaint"]
BY_READER = Circumstances(Method.LINK)


class Readers(RuleBasedStateMachine):
    """Nobody is mailed who did not opt in since they last left or were suppressed. An opt-in is one of these:

    - the reader's own confirmation, by a link that was made after they last left;
    - a sign-up where the newsletter does without confirmation, of somebody new to it: who never read it, left it or was
      forgotten by it, and whose address nothing stands against;
    - the publisher's word for somebody new to it in the same sense (an import);
    - their own undo of the very last leaving, or the publisher's, within its time, of what they were before.

    A bounce ends with a confirmation for any newsletter: it said that the address does not work. Who had asked to be
    mailed by nobody gets what they confirm, and nothing else. A complaint ends by a person's hand alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.who = PEOPLE[0]  # of whom nearly everything is told; the other is where they may move to
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.until = self.now + timedelta(days=500)
        self.clock = mock.patch("django.utils.timezone.now", side_effect=lambda: self.now)
        self.clock.start()
        factories.newsletter("daily")
        factories.newsletter("weekly", confirms_by_mail=False)
        self.wants: dict[tuple[str, str], bool] = defaultdict(bool)  # what an opt-in was made for
        self.is_old: dict[tuple[str, str], bool] = defaultdict(bool)  # not new to it
        self.barred: dict[str, str] = {}
        self.earlier: set[str] = set()  # addresses that were theirs
        # Subscription, generation, and which leavings there were by then.
        self.links: list[tuple[int, int, list[int]]] = []
        self.leavings: dict[int, list[int]] = defaultdict(list)  # those that were not taken back
        self.undo: list[tuple[int, datetime, int, bool]] = []
        self.mailed: dict[str, list[datetime]] = defaultdict(list)

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    # --- what is known -----------------------------------------------------------------------------

    def find(self, email: str, slug: str) -> Subscription | None:
        rows = Subscription.objects.select_related("subscriber", "newsletter")
        return rows.filter(subscriber__email=email, newsletter__slug=slug).first()

    def by_key(self, pk: int) -> Subscription | None:
        return Subscription.objects.select_related("subscriber", "newsletter").filter(pk=pk).first()

    def pair(self, subscription: Subscription) -> tuple[str, str]:
        return subscription.subscriber.email, subscription.newsletter.slug

    def opted_in(self, pair: tuple[str, str]) -> None:
        self.wants[pair] = self.is_old[pair] = True

    # --- signing up --------------------------------------------------------------------------------

    @initialize(slugs=st.sets(newsletters))
    def begin(self, slugs: set[str]) -> None:
        if slugs:
            self.sign_up(slugs, times=1, presses=True, replays=False)

    @rule(
        slugs=st.sets(newsletters, min_size=1),
        times=st.integers(1, 2),
        presses=st.booleans(),
        replays=st.booleans(),
    )
    def sign_up(self, slugs: set[str], times: int, presses: bool, replays: bool) -> None:
        shown = dict.fromkeys(Newsletter.objects.filter(slug__in=slugs).values_list("pk", flat=True))
        wish = lifecycle.Wish(first_name="Eve")
        noted = sign_ups.note(self.who, newsletters=shown, wish=wish, circumstances=BY_READER)
        taken = [sign_ups.take_in(noted.pk) for _ in range(times)]
        assert taken == [True, False][:times]
        for slug in slugs:
            pair = (self.who, slug)
            subscription = self.find(*pair)
            is_new = slug == "weekly" and not self.is_old[pair] and self.who not in self.barred
            if is_new and subscription.status == Status.ACTIVE:
                self.opted_in(pair)
            for earlier in [each for each in self.links if each[0] == subscription.pk and replays]:
                self.press(*earlier)  # a scanner opens an old mail, and presses every button
            self.keep_the_link(subscription)
            if presses:
                self.press(*self.links[-1])

    def keep_the_link(self, subscription: Subscription) -> None:
        leavings = self.leavings[subscription.pk][:]
        self.links.append((subscription.pk, subscription.generation, leavings))

    @precondition(lambda self: self.links)
    @rule(data=st.data())
    def press_a_link(self, data: Any) -> None:
        """Of any mail there ever was."""
        self.press(*data.draw(any_of(self.links)))

    def press(self, pk: int, generation: int, leavings: list[int]) -> None:
        if (subscription := self.by_key(pk)) is None:
            return
        if lifecycle.confirm(subscription, generation=generation, circumstances=BY_READER):
            assert leavings == self.leavings[pk]
            email, _ = pair = self.pair(subscription)
            if self.barred.get(email) == "request":
                self.wants.update({other: False for other in self.wants if other[0] == email})
                self.is_old.update({(email, slug): True for slug in NEWSLETTERS})
            if self.barred.get(email) != "complaint":
                self.barred.pop(email, None)
            self.opted_in(pair)

    @rule(emails=st.sets(st.sampled_from(PEOPLE), min_size=1), slug=newsletters)
    def bring_a_file(self, emails: set[str], slug: str) -> None:
        file = io.BytesIO("\n".join(["email", *sorted(emails)]).encode())
        report = importing.import_csv(Newsletter.objects.get(slug=slug), file)
        new = [each for each in emails if ConsentEvent.objects.filter(kind="imported", happened_at=self.now,
               subscriber__email=each, newsletter__slug=slug).exists() and not self.is_old[each, slug]
               and each not in self.barred]  # fmt: skip
        assert len(new) >= report.added
        for email in new:
            if self.find(email, slug).confirmed_at == self.now:
                self.opted_in((email, slug))

    # --- fewer, none, and back ---------------------------------------------------------------------

    @precondition(lambda self: self.all())
    @rule(data=st.data(), regrets=st.booleans())
    def leave_by_a_link(self, data: Any, regrets: bool) -> None:
        self.leave(data, BY_READER, regrets)

    @precondition(lambda self: self.all())
    @rule(data=st.data(), regrets=st.booleans())
    def leave_by_the_desk(self, data: Any, regrets: bool) -> None:
        self.leave(data, consent.at_the_desk("eve"), regrets)

    def leave(self, data: Any, by: Circumstances, regrets: bool) -> None:
        subscription = data.draw(st.sampled_from(self.all()))
        email, slug = self.pair(subscription)
        self.now += timedelta(seconds=1)
        wanted = self.wants[email, slug]
        if lifecycle.unsubscribe(subscription, circumstances=by):
            leaving = len(self.undo)
            self.leavings[subscription.pk].append(leaving)
            self.undo.append((subscription.pk, self.now, leaving, wanted))
            self.wants[email, slug] = False
            self.is_old[email, slug] = True
            for earlier in [each for each in self.undo[:-1] if each[0] == subscription.pk]:
                self.undo_one(*earlier, Kind.CAME_BACK)  # an old page is still open
            if regrets:
                self.undo_one(*self.undo[-1], Kind.CAME_BACK)

    @precondition(lambda self: self.undo)
    @rule(data=st.data(), kind=st.sampled_from([Kind.CAME_BACK, Kind.BROUGHT_BACK]))
    def take_back(self, data: Any, kind: Kind) -> None:
        """Any leaving there ever was."""
        self.undo_one(*data.draw(any_of(self.undo)), kind)

    def undo_one(self, pk: int, left_at: datetime, leaving: int, wanted: bool, kind: Kind) -> None:
        if (subscription := self.by_key(pk)) is None:
            return
        if lifecycle.take_back(subscription, left_at=left_at, kind=kind, circumstances=BY_READER):
            email, _ = pair = self.pair(subscription)
            assert self.leavings[pk].pop() == leaving
            assert self.now - left_at < lifecycle.UNDO_LIFE
            assert email not in self.barred
            self.wants[pair] = wanted

    @precondition(lambda self: self.all())
    @rule(data=st.data(), what=st.sampled_from(["pause", "resume", *Subscription.Frequency]))
    def rest(self, data: Any, what: str) -> None:
        subscription = data.draw(st.sampled_from(self.all()))
        match what:
            case "pause":
                resting.pause(subscription, until=self.now + timedelta(hours=20), circumstances=BY_READER)
            case "resume":
                resting.resume(subscription, circumstances=BY_READER)
            case frequency:
                resting.choose(subscription, Subscription.Frequency(frequency), circumstances=BY_READER)

    # --- the address -------------------------------------------------------------------------------

    @precondition(lambda self: self.all())
    @rule(what=st.sampled_from(RARE), slug=newsletters, returns=st.booleans())
    def something_else_happens(self, what: str, slug: str, returns: bool) -> None:
        match what:
            case "erase":
                self.erase()
            case "move":
                self.move()
            case reason:
                self.suppress(Reason(reason))
        if returns:
            self.sign_up({slug}, times=1, presses=True, replays=False)

    def suppress(self, reason: Suppression.Reason) -> None:
        email = self.who
        lifecycle.suppress(email, reason=reason)
        weight = ["hard_bounce", "request", "complaint"]
        self.barred[email] = max(self.barred.get(email, "hard_bounce"), str(reason), key=weight.index)

    def erase(self) -> None:
        email = self.who
        if (person := Subscriber.objects.filter(email=email).first()) is None:
            return
        lifecycle.erase(person)
        self.mailed.pop(email, None)
        for each in {email, *self.earlier}:
            self.barred[each] = "complaint" if self.barred.get(each) == "complaint" else "request"
        self.earlier.clear()
        for slug in NEWSLETTERS:
            self.wants[email, slug] = False

    def move(self) -> None:
        """To an address that nobody here has; both mailboxes agree."""
        email, new = self.who, next(each for each in PEOPLE if each != self.who)
        person = Subscriber.objects.filter(email=email).first()
        if person is None or (change := changing_address.ask(person, new_email=new, now=self.now)) is None:
            return
        for end in ("old", "new"):
            state = changing_address.agree(change.pk, end=end, now=self.now, circumstances=BY_READER)
        if state != changing_address.State.DONE:
            return
        self.has_moved(email, new)

    def has_moved(self, email: str, new: str) -> None:
        self.who = new
        self.mailed.clear()
        self.earlier = {*self.earlier, email} - {new}
        # They had asked it of all newsletters, and want those that they bring along.
        is_wanted_again = self.barred.get(new) == "request"
        if self.barred.get(new) in {"hard_bounce", "request"}:
            del self.barred[new]
        if self.barred.get(email) in {"request", "complaint"}:
            self.barred[new] = self.barred[email]
        for slug in NEWSLETTERS:
            self.is_old[new, slug] |= self.is_old[email, slug] or is_wanted_again
            if self.find(new, slug):
                self.wants[new, slug] = self.wants[email, slug]
                self.wants[email, slug], self.is_old[email, slug] = False, True

    # --- time --------------------------------------------------------------------------------------

    @precondition(lambda self: self.now < self.until)
    @rule(hours=st.sampled_from([0.2, 1.1, 1.1, 30, 30, 24 * 31, 24 * 400]))
    def wait(self, hours: float) -> None:
        """Whatever is due by then is sent, ends, or is forgotten."""
        self.send_letters()
        self.now += timedelta(hours=hours)
        self.send_letters()
        resting.resume_due(now=self.now)
        if hours > 100:
            self.forget()

    def send_letters(self) -> None:
        for letter in Letter.objects.due(self.now).select_related("subscriber"):
            email = letter.subscriber.email
            if letters.send_due(letter.pk, now=self.now) and letter.kind == Letter.Kind.CONFIRMATION:
                self.mailed[email].append(self.now)

    def forget(self) -> None:
        before = {each.pk: self.pair(each) for each in self.all()}
        forgetting.forget(now=self.now, until=self.now + timedelta(hours=1))
        for pk in before.keys() - {each.pk for each in self.all()}:
            self.wants[before[pk]] = False
        if not Subscriber.objects.filter(email=self.who).exists():
            self.earlier.clear()

    def all(self) -> list[Subscription]:
        return list(Subscription.objects.select_related("subscriber", "newsletter"))

    # --- what holds --------------------------------------------------------------------------------

    @invariant()
    def nobody_is_mailed_who_does_not_want_it(self) -> None:
        barred = set(Suppression.objects.values_list("address_key", flat=True))
        assert barred == {factories.address_key(email) for email in self.barred}
        for each in self.all():
            if each.status == Status.ACTIVE and each.subscriber.address_key not in barred:
                assert self.wants[self.pair(each)]

    @invariant()
    def the_events_tell_the_same_story(self) -> None:
        events = defaultdict(list)
        for event in ConsentEvent.objects.all():
            events[event.subscriber_id, event.newsletter_id].append(event)
        for each in self.all():
            assert told_by(events[each.subscriber_id, each.newsletter_id]) == each.status

    @invariant()
    def no_address_is_asked_to_confirm_twice_within_an_hour(self) -> None:
        for times in self.mailed.values():
            assert all(later - earlier >= timedelta(hours=1) for earlier, later in itertools.pairwise(times))


def any_of(things: list[Any]) -> Any:
    """The last one as often as all the others."""
    return st.one_of(st.just(things[-1]), st.sampled_from(things))


def told_by(events: list[ConsentEvent]) -> str:
    """The status, from the events alone."""
    status, before = "", ""
    for event in events:
        match event.kind:
            case Kind.ASKED if status in {"", Status.UNSUBSCRIBED} or event.details.get("confirms_anew"):
                status = Status.PENDING
            case Kind.CONFIRMED | Kind.SINGLE | Kind.IMPORTED | Kind.RESUMED | Kind.FREQUENCY:
                status = Status.ACTIVE
            case Kind.PAUSED:
                status = Status.PAUSED
            case Kind.LEFT | Kind.LAPSED:
                status, before = Status.UNSUBSCRIBED, status
            case Kind.CAME_BACK | Kind.BROUGHT_BACK:
                status = before
    return status


@pytest.mark.usefixtures("db")
def test_no_sequence_of_events_mails_whoever_does_not_want_it() -> None:
    run_state_machine_as_test(
        Readers,
        settings=settings(
            # What fails is told as it was met: to make it shorter takes minutes here.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
