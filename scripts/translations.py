"""The catalogues in locale/: what Courant tells readers, in each of settings.READER_LANGUAGES.

`scripts/translations.py` finds what is missing or wrong in them (part of `make lint`). `scripts/translations.py update`
(`make texts`) takes in the texts of today and compiles: new ones come without a translation, and what is not said any
more goes. Neither needs GNU gettext: Django's own parser reads the templates, Python's the programs.

The desk speaks English, so only texts that readers meet are looked for.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# Where readers are spoken to …
READERS = (
    "templates/*.html",
    "templates/subscribers/**/*",
    "templates/newsletter/*",
    "templates/email/*.html",
    "templates/delivery/feedback.html",
    "newsletter/rendering/**/*.py",
    "newsletter/templatetags/newsletter_tags.py",
    "newsletter/views/archive.py",
    "templates/desk/_site_*_code.html",
    "newsletter/agreement.py",
    "newsletter/claims.py",
    "newsletter/digest*.py",
    "newsletter/feeds.py",
    "subscribers/**/*.py",
    "delivery/digest*.py",
    "delivery/views/readers.py",
)
# … and what there is for the desk beside it.
DESK = (
    "subscribers/admin/*",
    "subscribers/management/**/*",
    "subscribers/migrations/*",
    "subscribers/models/*",
    "subscribers/apps.py",
    "subscribers/importing.py",
    "subscribers/proof/*",
)
# Single names in files that are the desk's otherwise.
NAMES = (
    ("newsletter/validators.py", "one_line"),
    ("subscribers/models/people.py", "Frequency"),
    ("delivery/models/answer.py", "Verdict"),
)
FUNCTIONS = {
    "_": ["text"],
    "gettext": ["text"],
    "ngettext": ["text", "plural"],
    "pgettext": ["context", "text"],
    "npgettext": ["context", "text", "plural"],
}
CALL = re.compile(rf"""\b(?:{"|".join(FUNCTIONS)})\((?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^'"()])*\)""")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")
MARKUP = re.compile(r"</?[a-z][^>]*>|&\w+;")
# As Django's own catalogues count, which these are read together with.
PLURALS = {
    "de": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=3; plural=(n == 0 || n == 1) ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;",
    "es": "nplurals=3; plural=n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;",
    "ko": "nplurals=1; plural=0;",
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3"
    " : n%100>=11 && n%100<=99 ? 4 : 5;",
}
# The forms that stand for one number, which may say it as a word ("two hours" is a single word in Arabic).
ONE_NUMBER = {"de": [0], "fr": [0], "es": [0], "ko": [], "ar": [0, 1, 2]}


class Unreadable(Exception):
    """A text that nobody can translate, since it is not written out where it is said."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    plural: str = ""
    context: str | None = None


def texts() -> dict[Text, list[str]]:
    """Everything readers are told today, and the files it stands in; in the order of files, then as it stands there."""
    found: dict[Text, list[str]] = {}
    for name, tree in sources():
        for text in said_in(tree, name=name):
            files = found.setdefault(text, [])
            if name not in files:
                files.append(name)
    return found


def sources() -> Iterator[tuple[str, ast.AST]]:
    desk = set(_files(DESK))
    for path in sorted(set(_files(READERS)) - desk):
        yield path.relative_to(ROOT).as_posix(), read(path)
    for name, wanted in NAMES:
        for node in ast.walk(read(ROOT / name)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == wanted:
                yield name, node


def _files(patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from (path for path in ROOT.glob(pattern) if path.suffix in {".html", ".txt", ".py"})


def read(path: Path) -> ast.AST:
    from django.utils.translation.template import templatize  # noqa: PLC0415 -- slow import

    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":  # becomes one call for each text, with X in place of everything else
        source = "\n".join(CALL.findall(templatize(source, origin=str(path))))
    return ast.parse(source, filename=str(path))


def said_in(tree: ast.AST, *, name: str) -> Iterator[Text]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if roles := FUNCTIONS.get(function.removesuffix("_lazy")):
            given = call.args[: len(roles)]
            words = [each.value for each in given if isinstance(each, ast.Constant)]
            if len(words) < len(roles) or not all(isinstance(word, str) for word in words):
                raise Unreadable(f"{name}:{call.lineno}: write the text out where it is translated")
            yield Text(**dict(zip(roles, map(str, words), strict=False)))


# --- Catalogues ------------------------------------------------------------------------------------


def languages() -> list[str]:
    from django.conf import settings  # noqa: PLC0415 -- slow import

    return [code for code, _name in settings.READER_LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def opened(language: str) -> polib.POFile:
    path = catalogue(language)
    return polib.pofile(path, wrapwidth=0) if path.exists() else polib.POFile(wrapwidth=0)


def brought_up(old: polib.POFile, *, language: str, said: dict[Text, list[str]]) -> polib.POFile:
    """The same translations for the texts of today. No line numbers and no dates: a change shows what changed."""
    new = polib.POFile(wrapwidth=0)
    new.header = "Courant's texts for readers. How they sound: locale/README.md"
    new.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[language],
    }
    known = {(entry.msgctxt, entry.msgid, entry.msgid_plural): entry for entry in old if not entry.obsolete}
    for text, files in said.items():
        entry = known.get((text.context, text.text, text.plural)) or _untranslated(text, language=language)
        entry.occurrences = [(file, "") for file in files]
        new.append(entry)
    return new


def _untranslated(text: Text, *, language: str) -> polib.POEntry:
    forms = dict.fromkeys(range(_forms(language)), "") if text.plural else {}
    return polib.POEntry(msgctxt=text.context, msgid=text.text, msgid_plural=text.plural, msgstr_plural=forms)


def _forms(language: str) -> int:
    return int(PLURALS[language].partition(";")[0].removeprefix("nplurals="))


# --- What is wrong ---------------------------------------------------------------------------------


def troubles(language: str, *, said: dict[Text, list[str]]) -> Iterator[str]:
    path = catalogue(language)
    now = opened(language)
    for entry in brought_up(now, language=language, said=said):
        for trouble in troubles_of(entry, language=language):
            yield f"{language}: {trouble}: {entry.msgid!r} ({entry.occurrences[0][0]})"
    wanted = str(brought_up(now, language=language, said=said))
    if not path.exists() or path.read_text(encoding="utf-8") != wanted:
        yield f"{path.relative_to(ROOT)} is not as the texts are today; `make texts` brings it up to date"
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != now.to_binary():
        yield f"{compiled.relative_to(ROOT)} is not what {path.name} says; `make texts` compiles it"


def troubles_of(entry: polib.POEntry, *, language: str) -> Iterator[str]:
    if "fuzzy" in entry.flags:
        yield "not sure (fuzzy)"
    if not entry.msgid_plural:
        yield from _unlike(entry.msgid, entry.msgstr)
        return
    if sorted(entry.msgstr_plural) != list(range(_forms(language))):
        yield f"not {_forms(language)} forms"
    for number, form in entry.msgstr_plural.items():
        yield from _unlike(entry.msgid_plural, form, may_name_it=number in ONE_NUMBER[language])


def _unlike(source: str, translation: str, *, may_name_it: bool = False) -> Iterator[str]:
    """In what a translation is not like its source. `may_name_it`: it may leave one placeholder out, the number."""
    if not translation.strip():
        yield "not translated"
        return
    wanted, held = (Counter(PLACEHOLDER.findall(words)) for words in (source, translation))
    if held - wanted or (wanted - held).total() > int(may_name_it):
        yield f"placeholders {' '.join(held) or 'none'} for {' '.join(wanted) or 'none'}"
    if Counter(MARKUP.findall(source)) != Counter(MARKUP.findall(translation)):
        yield "other markup"
    if _edges(source) != _edges(translation):
        yield "other blanks at its ends"


def _edges(words: str) -> tuple[str, str]:
    return words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]


def update(said: dict[Text, list[str]]) -> None:
    for language in languages():
        path = catalogue(language)
        new = brought_up(opened(language), language=language, said=said)
        path.parent.mkdir(parents=True, exist_ok=True)
        new.save(str(path))
        new.save_as_mofile(str(path.with_suffix(".mo")))


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        said = texts()
    except Unreadable as error:
        print(error)
        return 1
    if arguments == ["update"]:
        update(said)
    found = [trouble for language in languages() for trouble in troubles(language, said=said)]
    print("\n".join([*found, f"{len(said)} texts in {len(languages())} languages, {len(found)} troubles"]))
    return 1 if found and arguments != ["update"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
