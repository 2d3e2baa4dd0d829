"""Of the story of readers: all ways out of a newsletter, and the way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from subscribers import leaving, lifecycle
from subscribers.consent import Circumstances, Kind, Method
from subscribers.models import Subscription
from subscribers.tokens import UnsubscribeClaim
from tests.subscribers.story import Leaving, Status, Story

NETWORKS = ["192.0.2.0/24", "198.51.100.0/24"]
# How somebody leaves: the page as often as all others, since that alone can be taken back.
WAYS_OUT = [Method.LINK] * 4 + [Method.ONE_CLICK, Method.MAIL, Method.MANAGE, Method.EDITOR]
BY_READER = Circumstances(Method.LINK)


class StoryOfLeaving(Story):
    @precondition(lambda self: self.all())
    @rule(
        data=st.data(),
        by=st.sampled_from(WAYS_OUT),
        network=st.sampled_from(NETWORKS),
        again=st.none() | st.sampled_from(WAYS_OUT),
        typed=st.booleans(),
        regrets=st.booleans(),
    )
    def leave(
        self, data: Any, by: Method, network: str, again: Method | None, typed: bool, regrets: bool
    ) -> None:
        subscription = data.draw(st.sampled_from(self.all()))
        email, slug = self.pair(subscription)
        self.leave_once(subscription.pk, by, network)
        if typed and email == self.who:  # at a form, by whomever
            self.sign_up({slug}, times=1, presses=False, replays=False)
        if again:
            self.leave_once(subscription.pk, again, NETWORKS[0])
        for earlier in [each for each in self.undo[:-1] if each.subscription_id == subscription.pk]:
            self.go_back(earlier, Kind.CAME_BACK)  # an old page is still open
        if regrets and self.undo:
            self.go_back(self.undo[-1], Kind.CAME_BACK)

    def leave_once(self, pk: int, by: Method, network: str) -> None:
        self.now += timedelta(seconds=1)
        subscription, last = self.by_key(pk), self.last_leaving(pk)
        was = subscription.status
        is_same = was == Status.UNSUBSCRIBED and self.is_same_press(last, by, network)
        told = leaves(subscription, Circumstances(by, network))
        assert told == (was != Status.UNSUBSCRIBED)
        if was != Status.UNSUBSCRIBED:
            self.has_left(subscription, was=was, by=by, network=network)
        elif not is_same:
            self.nothing_is_undone([subscription])  # they mean it

    def last_leaving(self, pk: int) -> Leaving | None:
        return next((each for each in reversed(self.undo) if self.leavings[pk][-1:] == [each.number]), None)

    def is_same_press(self, last: Leaving | None, by: Method, network: str) -> bool:
        return (
            last is not None
            and (last.by, by) == (Method.LINK, Method.LINK)
            and last.network == network
            and self.now - last.at < lifecycle.SAME_PRESS
        )

    @precondition(lambda self: self.undo)
    @rule(data=st.data(), kind=st.sampled_from([Kind.CAME_BACK, Kind.BROUGHT_BACK]))
    def take_back(self, data: Any, kind: Kind) -> None:
        """Any leaving there ever was."""
        self.go_back(data.draw(any_of(self.undo)), kind)

    def go_back(self, to: Leaving, kind: Kind) -> None:
        can, subscription = self.can_go_back(to), self.by_key(to.subscription_id)
        if subscription is None:
            return
        did = lifecycle.take_back(subscription, left_at=to.at, kind=kind, circumstances=BY_READER)
        assert did is can
        if did:
            assert subscription.status == to.was
            assert self.leavings[to.subscription_id].pop() == to.number
            self.wants[self.pair(subscription)] = to.wanted


def leaves(subscription: Subscription, circumstances: Circumstances) -> bool:
    """As each way out does it."""
    match circumstances.method:
        case Method.ONE_CLICK:
            return leaving.leave_at_once(UnsubscribeClaim(subscription.pk, ""), circumstances=circumstances)
        case Method.LINK | Method.MAIL:
            return leaving.leave(subscription, via="", circumstances=circumstances)
        case _:
            return lifecycle.unsubscribe(subscription, circumstances=circumstances)


def any_of(things: list[Any]) -> Any:
    """The last one as often as all the others."""
    return st.one_of(st.just(things[-1]), st.sampled_from(things))
