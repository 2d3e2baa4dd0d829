from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from delivery.models import Dispatch
from newsletter.models import Issue
from tests import factories


def test_send_issue_starts_it_and_the_second_time_says_so(draft: Issue, capsys) -> None:
    factories.cast(draft.newsletter)

    call_command("send_issue", "daily", "tides")
    with pytest.raises(
        CommandError, match=r"already been sent\. Nothing was sent now\. Dispatch \d+: audience"
    ):
        call_command("send_issue", "daily", "tides")

    dispatch = Dispatch.objects.get()
    assert capsys.readouterr().out == f"Dispatch {dispatch.pk} has started.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["weekly", "tides"], "There is no newsletter 'weekly'. Newsletters: daily."),
        (["daily", "tide"], "daily has no issue 'tide'. Drafts: tides."),
        (["daily", "tides"], "The newsletter has no confirmed readers yet. Nothing was sent."),
    ],
)
def test_send_issue_says_what_is_wrong(draft: Issue, words: list[str], expected: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("send_issue", *words)

    assert str(refused.value) == expected


def test_dispatch_status_of_an_unknown_dispatch_says_so(draft: Issue) -> None:
    with pytest.raises(CommandError, match="There is no dispatch 7"):
        call_command("dispatch_status", "7")
