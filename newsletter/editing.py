"""The editor an issue is written in: django-prose-editor with Courant's own blocks.

Settings import this module (DJANGO_PROSE_EDITOR_EXTENSIONS = editing.EXTENSION_GROUPS), so it must need no settings
and no models itself. What each block may write comes from the sanitiser's own list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from js_asset import static_lazy

from newsletter.rendering.blocks import BLOCKS, Block

# What django-prose-editor collects for nh3: "tags", "attributes" by tag, "allowed_classes" by tag.
Allowed = dict[str, Any]
Processor = Callable[[object, Allowed], None]

# The files in static/newsletter. Each is named newsletter/<name> in the page's import map, so that they find one
# another under the names that collected static files really have.
EXTENSION_MODULES = (
    *("arrivals", "blocks", "fields", "links", "notices", "pasting"),
    *("pictures", "pieces", "slash", "toolbar"),
)
SHARED_MODULES = ("controls", "dialogs", "inserting", "menus", "uploads", "wordlists")
IMPORTS = {f"newsletter/{name}": f"newsletter/{name}.js" for name in EXTENSION_MODULES + SHARED_MODULES}

# In this order on the toolbar; names are those of the groups in static/newsletter/controls.js.
TOOLBAR = [
    {"group": name} for name in ("insert", "kind", "words", "link", "list", "history", "html", "around")
]

# What each extension is told; True where its own defaults are right.
OPTIONS: dict[str, object] = {
    "Heading": {"levels": [2, 3]},
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto"], "defaultProtocol": "https"},
    "OrderedList": {"enableListAttributes": False},
}

# Extensions that write no HTML of their own.
BEHAVIOURS = ("Arrivals", "Boxes", "Notices", "Pasting", "Pieces", "SlashMenu", "Toolbar", "TrailingNode")

# What an issue's editor is made of: every block of the list, and what makes it pleasant to write in.
EXTENSIONS: dict[str, object] = {block.extension: OPTIONS.get(block.extension, True) for block in BLOCKS} | {
    "Menu": {"defaultItems": False, "groups": TOOLBAR},
    **dict.fromkeys(BEHAVIOURS, True),
    "HTML": False,  # ours is a labelled dialog
    "Fullscreen": False,
    "NoSpellCheck": False,
}


def processor(block: Block) -> Processor:
    """A function, not a dotted path: django-prose-editor 0.28 cannot import what a path names."""

    def allow(_config: object, allowed: Allowed) -> None:
        allowed["tags"].update(block.tags)
        for tag, names in block.attributes.items():
            allowed["attributes"].setdefault(tag, set()).update(names)
        for tag, names in block.classes.items():
            allowed.setdefault("allowed_classes", {}).setdefault(tag, set()).update(names)

    return allow


def writes_nothing(_config: object, _allowed: Allowed) -> None:
    """For extensions that only change how the editor behaves."""


EXTENSION_GROUPS: list[dict[str, Any]] = [
    {
        "js": [static_lazy(f"newsletter/{name}.js") for name in EXTENSION_MODULES],
        "extensions": {block.extension: processor(block) for block in BLOCKS}
        | dict.fromkeys(BEHAVIOURS, writes_nothing),
    }
]
