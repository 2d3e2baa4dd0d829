"""The pages for those who cannot log in yet, or no more: asking for a link, and choosing a password behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth import views
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import tasks
from newsletter.adminsite import site

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ends on the same page for everybody, and as soon: it tells nobody whether there is such an account."""
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        tasks.send_password_links_soon(form.cleaned_data["email"])
        return redirect("admin_password_reset_done")
    context = site.each_context(request) | {"form": form, "title": _("Forgotten your password?")}
    return render(request, "registration/password_reset_form.html", context)


@never_cache
@require_safe
def on_its_way(request: HttpRequest) -> HttpResponse:
    context = site.each_context(request) | {
        "title": _("Look into your mailbox"),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
    }
    return render(request, "registration/password_reset_done.html", context)


class ChoosePassword(views.PasswordResetConfirmView):
    """Behind the link of an invitation, and of "forgotten". Who has chosen is logged in, and at the desk."""

    title = _("Choose a password")
    success_url = reverse_lazy("admin:index")
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"

    def get_user(self, uidb64: str) -> Any:
        """An account that was closed since the mail went out stays closed."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active and user.is_staff else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = super().get_context_data(**kwargs)
        if not self.validlink:
            found["title"] = _("This link has run out")
        return (
            dict(site.each_context(self.request)) | found | {"account": self.user if self.validlink else None}
        )
