"""What stands between a sign-up form and the machines that post at it.

A view makes a `Post` of plain values, once its form is valid, and asks `judge`:

    PASS      go on
    LATER     answer as always, write nothing
    RIDDLE    subscribers.views.riddles.ask: a page with a sum for the browser, which posts everything again
    TOO_MANY  subscribers.views.riddles.too_many: from this network no more for some minutes (429), far above anything
              that people do

Before that, its form asks `objection`, which is a sentence for the field, and `suggestion`, which is a hint. A worker
asks `takes_mail` before it makes anything of a sign-up. A network that posts on and on is handed its riddle before any
of it (`floods.gate`, subscribers.views.riddles.gated).

The rules stand in the order of what they cost, and none of them looks whether an address is known.
"""

from __future__ import annotations

from subscribers.guard import floods, riddles, sieges
from subscribers.guard.judging import Post, Verdict, judge, riddle
from subscribers.guard.mailboxes import takes_mail
from subscribers.guard.objecting import objection
from subscribers.guard.shown import form_token
from subscribers.guard.typos import suggestion

__all__ = [
    "Post",
    "Verdict",
    "floods",
    "form_token",
    "judge",
    "objection",
    "riddle",
    "riddles",
    "sieges",
    "suggestion",
    "takes_mail",
]
