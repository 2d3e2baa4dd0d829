from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from delivery import buttons, control, tasks
from delivery.models import Dispatch

if TYPE_CHECKING:
    from argparse import ArgumentParser

WORDS = {
    "pause": "pause",
    "resume": "resume",
    "stop": "stop",
    "retry": "retry",
    "accept-uncertain": "accept",
    "resend-uncertain": "again",
}
COUNTED = frozenset({"accept-uncertain", "resend-uncertain"})


class Command(BaseCommand):
    help = (
        "What the buttons of the dispatch page do. pause, resume, stop (for good); retry: hand over exactly the failed "
        "again; accept-uncertain: somebody looked, they have it; resend-uncertain: send it to them once more, some may "
        "get it twice. Safe to run twice: the second time there is nothing to do, and the exit code is 0."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dispatch", type=int, help="its number, as dispatch_status shows it")
        parser.add_argument("verb", choices=list(WORDS))
        parser.add_argument(
            "--expect",
            type=int,
            metavar="N",
            help="how many readers are uncertain; must be given with the last two, and be right",
        )

    def handle(self, *, dispatch: int, verb: str, expect: int | None, **options: Any) -> None:
        if not Dispatch.objects.filter(pk=dispatch).exists():
            raise CommandError(f"There is no dispatch {dispatch}.")
        if verb in COUNTED and expect is None:
            raise CommandError(f"{verb} needs --expect N: how many readers dispatch_status calls uncertain.")
        try:
            pressed = buttons.press(WORDS[verb], dispatch, by="manage.py", expected=expect or 0)
        except control.Refused as problem:
            raise CommandError(f"Dispatch {dispatch}: {problem}") from problem
        if pressed.changed and WORDS[verb] in buttons.WAKES:
            tasks.wake(dispatch)
        self.stdout.write(f"Dispatch {dispatch}: {pressed.words}")
