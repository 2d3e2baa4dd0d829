"""Any sequence of what may happen to readers, and what must hold after each step."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from newsletter.models import Newsletter
from subscribers import (
    changing_address,
    forgetting,
    importing,
    letters,
    lifecycle,
    managing,
    resting,
    sign_ups,
)
from subscribers.consent import Circumstances, Method
from subscribers.models import ConsentEvent, Letter, Subscriber, Subscription, Suppression
from tests.factories import address_key
from tests.subscribers.story import NEWSLETTERS, PEOPLE, Status
from tests.subscribers.story_of_leaving import BY_READER, StoryOfLeaving, any_of

Reason = Suppression.Reason
newsletters = st.sampled_from(NEWSLETTERS)
# A complaint ends most of what follows, so it is the rarest.
RARE = ["request", "erase", "move", "hard_bounce"] * 3 + ["complaint"] * 2
BY_HOLDER = Circumstances(Method.MANAGE)


class Readers(StoryOfLeaving):
    """What may happen to them, in any order."""

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
            if subscription.status == Status.PENDING:
                self.wants[pair] = False
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
        before = self.all()
        if lifecycle.confirm(subscription, generation=generation, circumstances=BY_READER):
            assert set(self.leavings[pk]) <= set(leavings)
            self.has_confirmed(subscription, before)

    def has_confirmed(self, subscription: Subscription, before: list[Subscription]) -> None:
        email, _ = pair = self.pair(subscription)
        if self.barred.get(email) == "request":
            self.wants_nothing_else(subscription, before)
        if self.barred.get(email) != "complaint":
            self.barred.pop(email, None)
            self.wished_nothing.discard(email)
        self.nothing_is_undone([subscription])
        self.opted_in(pair)

    def wants_nothing_else(self, subscription: Subscription, before: list[Subscription]) -> None:
        """They had asked to be mailed by nobody: this one they want, and leave those they still had."""
        email, _ = self.pair(subscription)
        others = [each for each in before if each.subscriber.email == email and each.pk != subscription.pk]
        self.nothing_is_undone(others)
        for each in others:
            if each.status in Subscription.READING:
                self.has_left(each, was=each.status, by=Method.EDITOR)
        self.wants.update({other: False for other in self.wants if other[0] == email})
        self.is_old.update({(email, slug): True for slug in NEWSLETTERS})

    @rule(slug=newsletters, times=st.integers(1, 2))
    def begin_on_the_manage_page(self, slug: str, times: int) -> None:
        """By a link that came to their own mailbox."""
        if (person := Subscriber.objects.filter(email=self.who).first()) is None:
            return
        for _ in range(times):
            before = self.all()
            gets = [each for each in before if self.pair(each) == (self.who, slug)]
            is_on = gets and gets[0].status in Subscription.READING and self.who not in self.barred
            newsletter = Newsletter.objects.get(slug=slug)
            begun = managing.begin(person, newsletter, wording_id=None, circumstances=BY_HOLDER)
            assert (begun is None) == (self.barred.get(self.who) == "complaint")
            if begun and not is_on:
                assert begun.status == Status.ACTIVE
                self.has_confirmed(begun, before)

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

    # --- fewer ---------------------------------------------------------------------

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
    @rule(what=st.sampled_from(RARE), slug=newsletters, then=st.sampled_from(["", "signs up", "is imported"]))
    def something_else_happens(self, what: str, slug: str, then: str) -> None:
        match what:
            case "erase":
                self.erase()
            case "move":
                self.move()
            case reason:
                self.suppress(Reason(reason))
        if then == "signs up":
            self.sign_up({slug}, times=1, presses=True, replays=False)
        if then == "is imported":
            self.bring_a_file({self.who}, slug)

    def suppress(self, reason: Suppression.Reason) -> None:
        email = self.who
        lifecycle.suppress(email, reason=reason)
        weight = ["hard_bounce", "request", "complaint"]
        self.barred[email] = max(self.barred.get(email, "hard_bounce"), str(reason), key=weight.index)
        if reason == Reason.REQUEST:
            self.wished_nothing.add(email)

    @precondition(lambda self: "complaint" in self.barred.values())
    @rule()
    def a_person_lifts_a_complaint(self) -> None:
        """Whom it was a slip of, and who had not asked for no mail at all beside it."""
        for email in [each for each in self.barred if each not in self.wished_nothing]:
            Suppression.objects.filter(address_key=address_key(email), reason=Reason.COMPLAINT).delete()
            if self.barred[email] == "complaint":
                del self.barred[email]

    def erase(self) -> None:
        email = self.who
        if (person := Subscriber.objects.filter(email=email).first()) is None:
            return
        lifecycle.erase(person)
        self.mailed.pop(email, None)
        for each in {email, *self.earlier}:
            self.barred[each] = "complaint" if self.barred.get(each) == "complaint" else "request"
            self.wished_nothing.add(each)
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
        if is_wanted_again:
            self.nothing_is_undone(each for each in self.all() if each.subscriber.email == new)
        if self.barred.get(email) in {"request", "complaint"}:
            self.barred[new] = self.barred[email]
        if email in self.wished_nothing:
            self.wished_nothing.add(new)
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
