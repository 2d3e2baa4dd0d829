"""The words of one mail to readers, as an editor writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from subscribers.letters.words import OWN
from subscribers.models import LetterText

if TYPE_CHECKING:
    from subscribers.letters.words import Words

LONGEST = 4000


class LetterForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Shows what the mail says now. What is left as our own words are, or emptied, is stored as nothing: so it goes on
    to follow the newsletter's name."""

    class Meta:
        model = LetterText
        fields = list(OWN)
        widgets: ClassVar[dict[str, Any]] = {
            "subject": forms.TextInput(attrs={"dir": "auto"}),
            "heading": forms.TextInput(attrs={"dir": "auto"}),
            "body": forms.Textarea(attrs={"rows": 9, "dir": "auto", "maxlength": LONGEST}),
            "button": forms.TextInput(attrs={"dir": "auto"}),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "body": _(
                "An empty line begins a new paragraph. Lines that begin with - are a list. An address becomes a link;"
                " [words](https://example.com) are linked."
            ),
        }

    def __init__(self, *args: Any, ours: Words, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ours = ours
        for name in OWN:
            field = self.fields[name]
            field.required = False
            if not getattr(self.instance, name):
                self.initial[name] = getattr(ours, name)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in OWN:
            text = "\n".join(str(cleaned.get(name, "")).splitlines()).strip()
            cleaned[name] = "" if text == getattr(self.ours, name) else text
        if len(cleaned["body"]) > LONGEST:
            self.add_error("body", _("That is too long for such a mail. Please shorten it."))
        return cleaned
