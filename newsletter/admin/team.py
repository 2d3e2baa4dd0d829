"""A newsletter's team at the desk: who is in it since when; coming, changing roles, leaving."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from newsletter import invitations, membership, team
from newsletter.adminsite import site
from newsletter.forms import PersonForm, RoleForm
from newsletter.forms.team import roles
from newsletter.models import Member, Newsletter

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

TEAM = "admin:newsletter_newsletter_team"
FOLDER = "admin/newsletter/newsletter"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, newsletter_id: int) -> HttpResponse:
    newsletter = _newsletter(request, newsletter_id)
    form = PersonForm(request.POST or None)
    if request.method == "POST":
        _ask_for(request, newsletter)
        if form.is_valid() and _add(request, newsletter, form):
            return redirect(TEAM, newsletter.pk)
    context = {
        "newsletter": newsletter,
        "members": newsletter.members.select_related("user").order_by("since", "pk"),
        "form": form,
        "roles": roles(),
        "may_change": team.may(request.user, team.Right.PEOPLE, newsletter),
        "title": newsletter.name,
    }
    return render(request, f"{FOLDER}/team.html", site.each_context(request) | context)


def _add(request: HttpRequest, newsletter: Newsletter, form: PersonForm) -> bool:
    user: Any = request.user
    if invitations.has_invited_enough(user):
        form.add_error("email", _invited_enough())
        return False
    try:
        member = membership.add(newsletter, **form.cleaned_data)
    except membership.Refused as problem:
        form.add_error("email", str(problem))
        return False
    words = {"person": form.cleaned_data["email"], "role": member.get_role_display()}
    _note(request, newsletter, _("Added %(person)s as %(role)s.") % words)
    if invitations.was_mailed_enough(member.user):
        said = _(
            "In the team as %(role)s: %(person)s. They were mailed several times within this hour already."
        )
        messages.warning(request, said % words)
    elif _mailed(request, member):
        messages.success(
            request, _("In the team as %(role)s: %(person)s. A mail tells them how to begin.") % words
        )
    return True


@never_cache
@require_POST
def change_role(request: HttpRequest, newsletter_id: int, member_id: int) -> HttpResponse:
    member = _member(request, newsletter_id, member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Please choose a role."))
        return redirect(TEAM, newsletter_id)
    role = form.cleaned_data["role"]
    is_own = member.user_id == request.user.pk
    if is_own and role != member.role and "confirmed" not in request.POST:
        return _asked(request, member, question=_("Change your own role?"), role=role)
    try:
        is_changed = membership.change_role(member, role=role)
    except membership.Refused as problem:
        messages.error(request, str(problem))
        return redirect(TEAM, newsletter_id)
    if is_changed:
        words = {"person": invitations.address(member.user), "role": Member.Role(role).label}
        said = _("Now %(role)s: %(person)s.") % words
        _note(request, member.newsletter, said)
        messages.success(request, said)
    return _onward(request, newsletter_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, newsletter_id: int, member_id: int) -> HttpResponse:
    member = _member(request, newsletter_id, member_id)
    if request.method != "POST":
        return _asked(request, member, question=_("Take out of the team?"))
    try:
        is_removed = membership.remove(member)
    except membership.Refused as problem:
        messages.error(request, str(problem))
        return redirect(TEAM, newsletter_id)
    if is_removed:
        said = _("No longer in the team: %(person)s.") % {"person": invitations.address(member.user)}
        _note(request, member.newsletter, said)
        messages.success(request, said)
    return _onward(request, newsletter_id)


@never_cache
@require_POST
def invite_again(request: HttpRequest, newsletter_id: int, member_id: int) -> HttpResponse:
    member = _member(request, newsletter_id, member_id)
    user: Any = request.user
    if member.user.has_usable_password():
        messages.info(
            request, _("They have been here already. A forgotten password is helped on the log-in page.")
        )
    elif invitations.was_mailed_enough(member.user):
        messages.warning(request, _("They were mailed several links within this hour. Please wait a while."))
    elif invitations.has_invited_enough(user):
        messages.warning(request, _invited_enough())
    elif _mailed(request, member):
        person = invitations.address(member.user)
        messages.success(request, _("The invitation is on its way to %(person)s.") % {"person": person})
    return redirect(TEAM, newsletter_id)


def _newsletter(request: HttpRequest, newsletter_id: int) -> Newsletter:
    """Another team's looks as if it were not there."""
    found = get_object_or_404(Newsletter, pk=newsletter_id)
    if not team.may(request.user, "newsletter.view_member"):
        raise PermissionDenied
    if not team.may(request.user, "newsletter.view_member", found):
        raise Http404
    return found


def _member(request: HttpRequest, newsletter_id: int, member_id: int) -> Member:
    newsletter = _newsletter(request, newsletter_id)
    _ask_for(request, newsletter)
    return get_object_or_404(
        Member.objects.select_related("user", "newsletter"), pk=member_id, newsletter=newsletter
    )


def _ask_for(request: HttpRequest, newsletter: Newsletter) -> None:
    if not team.may(request.user, team.Right.PEOPLE, newsletter):
        raise PermissionDenied


def _asked(request: HttpRequest, member: Member, *, question: str, role: str = "") -> HttpResponse:
    context = {
        "newsletter": member.newsletter,
        "member": member,
        "role": role,
        "role_name": Member.Role(role).label if role else "",
        "is_own": member.user_id == request.user.pk,
        "title": question,
    }
    return render(request, f"{FOLDER}/team_confirm.html", site.each_context(request) | context)


def _mailed(request: HttpRequest, member: Member) -> bool:
    """They are in the team in any case; a mailer that refuses only keeps them from hearing of it."""
    user: Any = request.user
    try:
        invitations.tell(member, by=user)
    except Exception:  # whatever mailers raise
        logger.exception("The invitation of member %s could not be mailed.", member.pk)
        messages.warning(
            request,
            _("In the team: %(person)s. But the mail to them could not be sent. Please try again later.")
            % {"person": invitations.address(member.user)},
        )
        return False
    return True


def _invited_enough() -> str:
    return _("You have invited many people within this hour. Please wait a while.")


def _note(request: HttpRequest, newsletter: Newsletter, words: str) -> None:
    who = request.user.pk or 0  # staff are users, and users have a number
    LogEntry.objects.log_actions(who, [newsletter], CHANGE, words, single_object=True)


def _onward(request: HttpRequest, newsletter_id: int) -> HttpResponse:
    """Whoever has just given up their own part may not look at the team any more."""
    team.forget(request.user)
    newsletter = Newsletter.objects.get(pk=newsletter_id)
    may_stay = team.may(request.user, "newsletter.view_member", newsletter)
    return redirect(TEAM, newsletter_id) if may_stay else redirect("admin:index")
