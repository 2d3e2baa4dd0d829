"""The mails that readers get about their subscription: what each says, in the newsletter's own words or in ours."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from desk import previewing
from desk.forms.letter import LetterForm
from desk.previewing import Face
from desk.views.preview import framed
from newsletter import given, team
from newsletter.adminsite import person, site
from newsletter.locale import spoken_by
from newsletter.models import Newsletter
from newsletter.rendering.letter import html_of
from newsletter.team import Right
from subscribers import letters
from subscribers.letters import samples, sending, words
from subscribers.models import Letter, LetterText

if TYPE_CHECKING:
    from django.http import HttpRequest

    from subscribers.letters.words import Words
    from subscribers.letters.writing import Mail

logger = logging.getLogger(__name__)

Kind = Letter.Kind
FACES = (Face.MAIL, Face.PHONE, Face.DARK, Face.TEXT)
WHEN = {
    Kind.CONFIRMATION: (
        gettext_lazy("Please confirm"),
        gettext_lazy("At once, to everybody who signs up. Nothing else comes before their yes."),
    ),
    Kind.REMINDER: (
        gettext_lazy("Reminder"),
        gettext_lazy("A day later, once, to who has not pressed the button."),
    ),
    Kind.WELCOME: (gettext_lazy("Welcome"), gettext_lazy("Right after a reader has confirmed.")),
    Kind.KNOWN: (
        gettext_lazy("You already get it"),
        gettext_lazy(
            "To a reader who signs up again. The page tells nobody who is a reader; this mail tells them."
        ),
    ),
    Kind.GOODBYE: (
        gettext_lazy("Goodbye"),
        gettext_lazy(
            "To who has left by the page, with a way back: a forwarded mail may have been the reason."
        ),
    ),
}


@staff_member_required
@never_cache
@require_safe
def overview(request: HttpRequest, newsletter_id: int) -> HttpResponse:
    newsletter = _newsletter(request, newsletter_id)
    language = _language(request, newsletter)
    own = {each.kind: each for each in newsletter.letter_texts.filter(language=language)}
    with spoken_by(newsletter, language=language):
        said = {kind: words.words(kind, newsletter) for kind in LetterText.KINDS}
    cards = [
        {
            "kind": kind.value,
            "name": WHEN[kind][0],
            "when": WHEN[kind][1],
            "words": said[kind],
            "body": html_of(said[kind].body),  # escaped there
            "own": own.get(kind.value),
            "is_off": kind == Kind.GOODBYE and not newsletter.says_goodbye,
        }
        for kind in LetterText.KINDS
    ]
    return _page(request, "letters", newsletter, language, {"cards": cards, "title": _("Mails to readers")})


@staff_member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest, newsletter_id: int, kind: str) -> HttpResponse:
    """Saving is one of three buttons: a test and "our words again" leave what is stored as it is."""
    newsletter, which = _newsletter(request, newsletter_id), _kind(kind)
    language = _language(request, newsletter)
    if request.method == "POST" and "ours" in request.POST:
        messages.info(request, _("These are our words. Save, and the mail says it so again."))
        blank = LetterText(newsletter=newsletter, kind=which, language=language)
        form = LetterForm(instance=blank, ours=_ours(newsletter, which, language))
        return _letter(request, newsletter, which, language, form)
    form = _form(request, newsletter, which, language)
    if request.method == "POST" and form.is_valid():
        if "test" in request.POST:
            _test(request, newsletter, which, language)
            return _letter(request, newsletter, which, language, form)
        _store(form)
        messages.success(request, _("Saved. The next such mail says it so."))
        return redirect(f"{request.path}?language={language}")
    return _letter(request, newsletter, which, language, form)


@staff_member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def face(request: HttpRequest, newsletter_id: int, kind: str, look: str) -> HttpResponse:
    """One document for a frame. GET shows what is saved; POST what stands in the form, which is never saved."""
    newsletter, which = _newsletter(request, newsletter_id), _kind(kind)
    if look not in FACES:
        raise Http404
    language = _language(request, newsletter)
    mail = samples.sample(
        which, newsletter, said=_said(request, newsletter, which, language), language=language
    )
    if look == Face.TEXT:
        context = {"text": mail.text, "subject": mail.subject, "language": language}
        return framed(HttpResponse(render_to_string("desk/_letter_text.html", context)))
    return framed(HttpResponse(previewing.in_frame(mail.html, is_dark=look == Face.DARK)))


def _letter(
    request: HttpRequest, newsletter: Newsletter, kind: Kind, language: str, form: LetterForm
) -> HttpResponse:
    face = request.GET.get("face", "")
    context = {
        "form": form,
        "kind": kind.value,
        "when": WHEN[kind][1],
        "is_own": newsletter.letter_texts.filter(kind=kind, language=language).exists(),
        "my_address": person(request).email,
        "faces": FACES,
        "face": Face(face) if face in FACES else Face.MAIL,
        "title": WHEN[kind][0],
    }
    status = 422 if form.is_bound and form.errors else 200
    return _page(request, "letter", newsletter, language, context, status=status)


def _test(request: HttpRequest, newsletter: Newsletter, kind: Kind, language: str) -> None:
    """To the editor's own address, as it stands in the form."""
    to = person(request).email
    if not to:
        messages.error(request, _("Your account has no address yet, so there is nowhere to send it."))
    elif letters.is_frozen():
        messages.error(
            request, _("Nothing goes out from here at present. The front page of the desk says why.")
        )
    else:
        said = _said(request, newsletter, kind, language)
        _send_test(request, newsletter, samples.sample(kind, newsletter, said=said, language=language), to=to)


def _send_test(request: HttpRequest, newsletter: Newsletter, mail: Mail, *, to: str) -> None:
    message = sending.compose(mail, newsletter=newsletter, to=to)
    message.subject = _("[Test] %(subject)s") % {"subject": message.subject}
    try:
        message.send(using="default")
    except Exception:  # whatever mailers raise
        logger.exception("A test of a mail to readers could not be sent.")
        messages.error(request, _("The test could not be sent. Please try again later."))
    else:
        said = _("A test is on its way to %(address)s. Its links change nothing.")
        messages.success(request, said % {"address": to})


def _form(request: HttpRequest, newsletter: Newsletter, kind: Kind, language: str) -> LetterForm:
    stored = newsletter.letter_texts.filter(kind=kind, language=language).first()
    instance = stored or LetterText(newsletter=newsletter, kind=kind, language=language)
    data = request.POST if request.method == "POST" else None
    return LetterForm(data, instance=instance, ours=_ours(newsletter, kind, language))


def _said(request: HttpRequest, newsletter: Newsletter, kind: Kind, language: str) -> Words:
    """As it stands in the form, where one was posted; what does not fit in a mail is cut rather than refused."""
    if request.method != "POST" or not any(name in request.POST for name in words.OWN):
        with spoken_by(newsletter, language=language):
            return words.words(kind, newsletter)
    typed = {name: given.words(request.POST.get(name, "")).strip()[:4000] for name in words.OWN}
    lines = {name: text if name == "body" else " ".join(text.split()) for name, text in typed.items()}
    return words.over(_ours(newsletter, kind, language), LetterText(**lines))


def _store(form: LetterForm) -> None:
    """Nothing of their own is no row: the overview says by the row whose words a mail has."""
    if any(form.cleaned_data[name] for name in words.OWN):
        form.save()
    elif form.instance.pk:
        form.instance.delete()


def _ours(newsletter: Newsletter, kind: Kind, language: str) -> Words:
    with spoken_by(newsletter, language=language):
        return words.ours(kind, newsletter)


def _kind(name: str) -> Kind:
    if name not in {kind.value for kind in LetterText.KINDS}:
        raise Http404
    return Kind(name)


def _language(request: HttpRequest, newsletter: Newsletter) -> str:
    asked = request.GET.get("language", request.POST.get("language", ""))
    return asked if asked in dict(settings.READER_LANGUAGES) else newsletter.language


def _newsletter(request: HttpRequest, newsletter_id: int) -> Newsletter:
    found = get_object_or_404(Newsletter, pk=newsletter_id)
    if not team.may(request.user, Right.SETTINGS, found):
        raise PermissionDenied
    return found


def _page(
    request: HttpRequest,
    template: str,
    newsletter: Newsletter,
    language: str,
    context: dict[str, object],
    *,
    status: int = 200,
) -> HttpResponse:
    languages = dict(settings.READER_LANGUAGES)
    if newsletter.language not in languages:
        languages = {
            newsletter.language: translation.get_language_info(newsletter.language)["name_local"]
        } | languages
    common = {
        "newsletter": newsletter,
        "language": language,
        "is_rtl": translation.get_language_info(language)["bidi"],
        "languages": languages.items(),
    }
    return render(
        request, f"desk/{template}.html", site.each_context(request) | common | context, status=status
    )
