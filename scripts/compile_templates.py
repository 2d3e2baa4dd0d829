"""Compiles every template, so that a misspelt tag is found before a reader finds it. Part of `make lint`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    import django  # noqa: PLC0415 -- slow import
    from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines  # noqa: PLC0415 -- slow import

    django.setup()
    folder = ROOT / "templates"
    names = sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in {".html", ".txt"}
    )
    broken = 0
    for name in names:
        try:
            engines["django"].get_template(name)
        except (TemplateSyntaxError, TemplateDoesNotExist, UnicodeDecodeError) as error:
            print(f"templates/{name}: {error}")
            broken += 1
    print(f"{len(names)} templates, {broken} of them broken")
    return 1 if broken or not names else 0


if __name__ == "__main__":
    sys.exit(main())
