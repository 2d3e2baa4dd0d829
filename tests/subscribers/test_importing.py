from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from newsletter.models import Newsletter
from subscribers import importing, lifecycle
from subscribers.models import ConsentEvent, KeptOut, Subscription, Suppression, address_key
from tests import factories


def import_text(newsletter: Newsletter, text: str | bytes, **options: bool) -> dict[str, int]:
    data = text.encode() if isinstance(text, str) else text
    report = dataclasses.asdict(importing.import_csv(newsletter, io.BytesIO(data), **options))
    for name in ("first_rejections", "fields", "left_out"):
        del report[name]
    assert report["rows"] == sum(count for name, count in report.items() if name != "rows")
    return {name: count for name, count in report.items() if count}


def statuses(newsletter: Newsletter) -> dict[str, str]:
    return dict(Subscription.objects.filter(newsletter=newsletter).values_list("subscriber__email", "status"))


def test_import_adds_readers_as_active(daily: Newsletter) -> None:
    report = import_text(daily, "email,first_name\nAda@Example.com,Ada\n\ngoro@example.com,五郎\n")

    assert report == {"rows": 2, "added": 2}
    assert statuses(daily) == {"ada@example.com": "active", "goro@example.com": "active"}
    assert list(
        daily.subscriptions.order_by("subscriber__email").values_list("subscriber__first_name", flat=True)
    ) == [
        "Ada",
        "五郎",
    ]


def test_import_changes_nobody_who_is_known(daily: Newsletter) -> None:
    factories.cast(daily)
    lifecycle.suppress("dora@example.com", reason=Suppression.Reason.COMPLAINT)
    before = statuses(daily)

    report = import_text(
        daily, "email\nada@example.com\nbob@example.com\ncleo@example.com\ndora@example.com\n"
    )

    assert report == {"rows": 4, "kept_active": 1, "kept_pending": 1, "kept_unsubscribed": 1, "suppressed": 1}
    assert statuses(daily) == before


def test_import_brings_back_nobody_who_left_and_was_forgotten(daily: Newsletter) -> None:
    KeptOut.objects.create(newsletter=daily, address_key=address_key("ada@example.com"))
    KeptOut.objects.create(newsletter=daily, address_key=address_key("bob@example.com"))
    lifecycle.suppress("bob@example.com", reason=Suppression.Reason.REQUEST)
    weekly = factories.newsletter("weekly")

    assert import_text(daily, "email\nada@example.com\nbob@example.com\n") == {
        "rows": 2,
        "kept_out": 1,
        "suppressed": 1,
    }
    assert import_text(weekly, "email\nada@example.com\n") == {"rows": 1, "added": 1}


def test_import_keeps_of_each_new_reader_how_they_came(daily: Newsletter, tmp_path: Path) -> None:
    factories.subscription(daily, "bob@example.com")
    file = tmp_path / "fair 2026.csv"
    file.write_text("email\nada@example.com\nbob@example.com\n")

    call_command("import_subscribers", "daily", str(file), "--consent", "Forms of the book fair, May 2026")
    call_command("import_subscribers", "daily", str(file), "--consent", "once more")

    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.newsletter, event.subscriber.email) == (
        "imported",
        "file",
        daily,
        "ada@example.com",
    )
    assert event.details == {"file": "fair 2026.csv", "consent": "Forms of the book fair, May 2026"}


def test_import_twice_adds_once(daily: Newsletter) -> None:
    text = "email\nada@example.com\nADA@example.com\n"

    assert import_text(daily, text) == {"rows": 2, "added": 1, "repeated": 1}
    assert import_text(daily, text) == {"rows": 2, "kept_active": 1, "repeated": 1}


@pytest.mark.parametrize("dry_run", [True, False])
def test_row_is_repeated_however_far_apart(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    text = "email\n" + "".join(f"reader{number % 5}@example.com\n" for number in range(12))

    assert import_text(daily, text, dry_run=dry_run) == {"rows": 12, "added": 5, "repeated": 7}


def test_dry_run_counts_and_adds_nobody(daily: Newsletter) -> None:
    assert import_text(daily, "email\nada@example.com\n", dry_run=True) == {"rows": 1, "added": 1}
    assert statuses(daily) == {}


@pytest.mark.parametrize("header", ["E-Mail;Vorname", "\ufeffEmail Address\tName", "id,EMAIL"])
def test_import_reads_the_headers_that_other_programs_write(daily: Newsletter, header: str) -> None:
    separator = ";" if ";" in header else "\t" if "\t" in header else ","
    row = separator.join(["7", "ada@example.com"] if header.startswith("id") else ["ada@example.com", "Ada"])

    assert import_text(daily, f"{header}\r\n{row}\r\n") == {"rows": 1, "added": 1}


def test_bad_rows_are_rejected_one_by_one_with_reasons(daily: Newsletter) -> None:
    million = b"x" * 1_000_000
    lines = [b"email,first_name", b"not-an-address,A", b"caf\xe9@example.com,B", b'"open@example.com,C',
             b"nul\0@example.com,D", million, b",E", b"ada@example.com,Ada"]  # fmt: skip
    rejections: list[importing.Rejection] = []

    report = importing.import_csv(daily, io.BytesIO(b"\n".join(lines)), on_rejection=rejections.append)

    assert (report.rows, report.added, report.rejected) == (7, 1, 6)
    assert [(rejection.line, rejection.reason.partition(":")[0]) for rejection in rejections] == [
        (2, "not an address"),
        (3, "not UTF-8"),
        (4, "a quotation mark is opened and not closed"),
        (5, "holds a NUL character"),
        (6, "longer than 10,000 characters"),
        (7, "no address"),
    ]
    assert statuses(daily) == {"ada@example.com": "active"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "must name the columns"),
        (b"name,phone\nAda,1\n", "must name the columns"),
        ("email\nada@example.com\n".encode("utf-16"), "UTF-16"),
        (b"\xe9mail\nada@example.com\n", "not UTF-8"),
    ],
)
def test_unreadable_file_is_refused_whole(daily: Newsletter, data: bytes, words: str) -> None:
    with pytest.raises(importing.UnreadableFile, match=words):
        importing.import_csv(daily, io.BytesIO(data))

    assert statuses(daily) == {}


def test_command_reports_and_keeps_the_rejected_lines(daily: Newsletter, tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("email\nada@example.com\n=cmd()@@\n")
    out = io.StringIO()

    call_command("import_subscribers", "daily", str(file), stdout=out)

    assert "2 rows" in out.getvalue()
    assert "1 added" in out.getvalue()
    rejected = (tmp_path / "readers.rejected.csv").read_text().splitlines()
    assert rejected[0] == "line,reason,text"
    assert rejected[1].startswith("3,")
    assert rejected[1].endswith("'=cmd()@@")
    daily.refresh_from_db()
    assert daily.active_readers == 1


def test_dry_run_shows_rejected_lines_and_the_next_run_clears_them(daily: Newsletter, tmp_path: Path) -> None:
    file, rejected = tmp_path / "readers.csv", tmp_path / "readers.rejected.csv"
    file.write_text("email\nada@example.com\nnobody\n")
    out = io.StringIO()

    call_command("import_subscribers", "daily", str(file), "--dry-run", stdout=out)

    assert "2 rows (dry run: nobody was added)" in out.getvalue()
    assert str(rejected) in out.getvalue()
    assert len(rejected.read_text().splitlines()) == 2
    assert statuses(daily) == {}

    file.write_text("email\nada@example.com\n")
    call_command("import_subscribers", "daily", str(file), stdout=out)

    assert not rejected.exists()
    assert statuses(daily) == {"ada@example.com": "active"}


@pytest.mark.parametrize(("newsletter", "file"), [("weekly", "readers.csv"), ("daily", "missing.csv")])
def test_command_says_what_is_wrong(daily: Newsletter, tmp_path: Path, newsletter: str, file: str) -> None:
    (tmp_path / "readers.csv").write_text("email\n")

    with pytest.raises(CommandError, match=r"There is no newsletter 'weekly'|No such file"):
        call_command("import_subscribers", newsletter, str(tmp_path / file))


def test_import_fills_in_the_newsletters_own_fields(daily: Newsletter) -> None:
    daily.reader_fields.create(name="home_town", label="Home town")
    daily.reader_fields.create(name="team", label="Team")
    text = (
        "email,Home Town,first_name,TEAM,shoe size,email\n"
        "ada@example.com,Þórshöfn,Ada,,38,x@example.com\nbob@example.com,,,Reds,,\n"
    )

    report = importing.import_csv(daily, io.BytesIO(text.encode()))

    rows = Subscription.objects.values_list("subscriber__email", "subscriber__first_name", "fields")
    assert sorted(rows) == [
        ("ada@example.com", "Ada", {"home_town": "Þórshöfn"}),
        ("bob@example.com", "", {"team": "Reds"}),
    ]
    assert (report.fields, report.left_out) == (["home_town", "team"], ["shoe size", "email"])


def test_import_of_fields_changes_nobody_who_is_known(daily: Newsletter) -> None:
    daily.reader_fields.create(name="town", label="Town")
    factories.subscription(daily, "ada@example.com", fields={"town": "Oban"})

    importing.import_csv(daily, io.BytesIO(b"email,town\nada@example.com,Rome\n"))

    assert Subscription.objects.get().fields == {"town": "Oban"}


def test_field_with_control_characters_is_rejected_and_named(daily: Newsletter) -> None:
    daily.reader_fields.create(name="town", label="Town")

    report = importing.import_csv(daily, io.BytesIO("email,town\nada@example.com,a\u202eb\n".encode()))

    assert [rejection.reason for rejection in report.first_rejections] == [
        "the town holds control characters"
    ]


def test_command_says_which_columns_it_kept_and_which_it_left_out(daily: Newsletter, tmp_path: Path) -> None:
    daily.reader_fields.create(name="town", label="Town")
    file, out = tmp_path / "readers.csv", io.StringIO()
    file.write_text("email,Town,Shoe size\nada@example.com,Oban,38\n")

    call_command("import_subscribers", "daily", str(file), stdout=out)

    assert "Also kept of each new reader: town\n" in out.getvalue()
    assert "Left out, since the newsletter has no field of that name: Shoe size\n" in out.getvalue()
