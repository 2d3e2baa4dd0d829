from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db.models import Exists, OuterRef
from django.urls import path
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from newsletter import team
from newsletter.adminsite import ModelAdmin, Paginator, TabularInline, action, display, person, register
from subscribers import consent, known, lifecycle, tasks
from subscribers.addresses import InvalidAddress, canonical
from subscribers.admin import proof, rights
from subscribers.models import Subscriber, Subscription, Suppression, address_key

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.urls import URLPattern


class AddressForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Stores the canonical spelling, and the keyed hash beside it."""

    email = forms.CharField(label=_("Address"), max_length=320, widget=forms.EmailInput)

    def clean_email(self) -> str:
        try:
            return canonical(self.cleaned_data["email"])
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def _post_clean(self) -> None:
        if email := self.cleaned_data.get("email"):
            self.instance.address_key = address_key(email)
        super()._post_clean()  # type: ignore[misc]  # there, but not in the stubs


class SubscriptionInline(TabularInline):
    """A person's subscriptions to the newsletters of whoever looks; to which others they are is not said."""

    model = Subscription
    newsletter_path = "newsletter"
    extra = 0
    readonly_fields = [
        "newsletter",
        "status",
        "origin",
        "requested_at",
        "confirmed_at",
        "unsubscribed_at",
    ]
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        """With what each row is called by."""
        return super().get_queryset(request).select_related("subscriber", "newsletter")

    def may(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        """`obj` is the person, who is of no one newsletter; which rows are shown decides."""
        return super().may(request, verb)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Subscriber)
class SubscriberAdmin(ModelAdmin):
    form = AddressForm
    newsletter_path = "subscriptions__newsletter"
    fields = ["email", "first_name"]
    list_display = ["email", "first_name", "created_at"]
    search_fields = ["email__startswith"]
    search_help_text = _("The beginning of an address.")
    inlines = [SubscriptionInline]
    ordering = ["-pk"]
    sortable_by: ClassVar[list[str]] = []  # a million rows are not put into another order for a page

    def of(self, rows: QuerySet[Subscriber], ids: list[int]) -> QuerySet[Subscriber]:
        """Each person once, however many newsletters they read."""
        return rows.filter(Exists(rights.introduced(ids).filter(subscriber=OuterRef("pk"))))

    def may(self, request: HttpRequest, verb: str, obj: Subscriber | None = None) -> bool:
        """Whoever may do it in one of the newsletters that this person reads; or, when it is more than to look, in all:
        a name belongs to the person, and what one newsletter calls them all others do."""
        if obj is None or not super().may(request, verb):
            return super().may(request, verb)
        ids = team.newsletter_ids(request.user, self.permission(verb))
        if ids is None:
            return True
        is_reader = rights.introduced(ids).filter(subscriber=obj).exists()
        return is_reader and (verb == "view" or not obj.subscriptions.exclude(newsletter__in=ids).exists())

    def get_list_display(self, request: HttpRequest) -> Any:
        """Since when somebody is known at all says that they were known elsewhere before."""
        sees_all = team.newsletter_ids(request.user, self.permission("view")) is None
        return [name for name in self.list_display if sees_all or name != "created_at"]

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        name = "subscribers_subscriber"
        return [
            path("<int:object_id>/proof/", wrapped(proof.page), name=f"{name}_proof"),
            path("<int:object_id>/proof.json", wrapped(proof.file), name=f"{name}_receipt"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Subscriber | None = None) -> list[str]:
        return ["email"] if obj else []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A person takes their subscriptions along, though nobody may delete one of those by itself."""
        deleted, counts, _perms_needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Subscriber) -> None:
        lifecycle.erase(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        for subscriber in queryset:
            lifecycle.erase(subscriber)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:  # the address is shown, not asked for
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """By address: whether we know it from another newsletter is nobody's business who adds it to this one."""

    email = forms.CharField(label=_("Address"), max_length=320, widget=forms.EmailInput)

    class Meta:
        model = Subscription
        fields = ["newsletter"]

    clean_email = AddressForm.clean_email


# Of Subscription.source, in words.
SOURCES = {
    "page": _("Page"),
    "referrer": _("Site"),
    "utm_source": _("Campaign’s source"),
    "utm_medium": _("Campaign’s medium"),
    "utm_campaign": _("Campaign"),
    "utm_content": _("Campaign’s content"),
    "utm_term": _("Campaign’s term"),
    "ref": _("Recommended by"),
}


@register(Subscription)
class SubscriptionAdmin(ModelAdmin):
    newsletter_path = "newsletter"
    form = SubscriptionForm
    list_display = ["subscriber", "newsletter", "status", "origin", "confirmed_at", "unsubscribed_at"]
    list_filter = ["status", "newsletter"]
    list_select_related = ["subscriber", "newsletter"]
    search_fields = ["subscriber__email__startswith"]
    search_help_text = _("The beginning of an address.")
    plain_selects = ["newsletter"]
    ordering = ["-pk"]
    sortable_by: ClassVar[list[str]] = []  # a million rows are not put into another order for a page
    readonly = [
        "subscriber",
        "newsletter",
        "status",
        "frequency",
        "origin",
        "found_by",
        "requested_at",
        "confirmed_at",
        "paused_until",
        "unsubscribed_at",
    ]
    actions = ["unsubscribe"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        """With what each is called by: an address and a newsletter."""
        return super().get_queryset(request).select_related("subscriber", "newsletter")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Subscription], search_term: str
    ) -> tuple[QuerySet[Subscription], bool]:
        """Found first and put into order afterwards: asked for both at once, PostgreSQL goes through all of them from
        the newest on, and looks each one's address up."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term:
            found = queryset.filter(pk__in=found.order_by().values("pk")[: Paginator.most + 1])
        return found, may_repeat

    def get_fields(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        if obj is None:
            return ["email", "newsletter"]
        if self.has_change_permission(request, obj):
            return [*self.readonly, *known.names(obj)]
        return [*self.readonly, "known"] if known.names(obj) else self.readonly

    def get_readonly_fields(self, request: HttpRequest, obj: Subscription | None = None) -> list[str]:
        """Only the reader's own confirmation makes a subscription active."""
        return [*self.readonly, "known"] if obj else []

    @display(description=_("found the newsletter by"))
    def found_by(self, obj: Subscription) -> str:
        """Whatever was typed into an address or a form: shown, and nothing else follows from it."""
        told = [(SOURCES[key], obj.source[key]) for key in SOURCES if obj.source.get(key)]
        return format_html_join("", "<div>{}: <bdi>{}</bdi></div>", told) or "–"

    @display(description=_("what you know of this reader"))
    def known(self, obj: Subscription) -> str:
        return format_html_join("", "<div>{}: {}</div>", known.lines(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A reader who left must stay known as one who left."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:  # only the newsletter's own fields are asked for, and only of whoever may change them
            may_write = self.has_change_permission(request, obj)
            kwargs["form"] = known.form(obj) if may_write else forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        if change:
            known.write(obj, answers=form.cleaned_data)
            return
        asked = lifecycle.subscribe(
            obj.newsletter,
            email=form.cleaned_data["email"],
            origin=Subscription.Origin.ADMIN,
            circumstances=consent.at_the_desk(person(request).username),
        )
        obj.pk, obj.subscriber = asked.pk, asked.subscriber
        tasks.wake(asked.subscriber_id)

    @action(description=_("Unsubscribe the selected readers"), permissions=["change"])
    def unsubscribe(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> None:
        theirs = self.within(request, queryset, "change")  # what is listed may be only theirs to see
        by = consent.at_the_desk(person(request).username)
        left = sum(lifecycle.unsubscribe(subscription, circumstances=by) for subscription in theirs)
        said = ngettext("%(count)d reader unsubscribed.", "%(count)d readers unsubscribed.", left)
        self.message_user(request, said % {"count": left})


class SuppressionForm(AddressForm):
    class Meta:
        model = Suppression
        fields = ["reason"]


@register(Suppression)
class SuppressionAdmin(ModelAdmin):
    """Addresses are kept as hashes only; type one in full to find it."""

    list_display = ["address_key", "reason", "suppressed_at"]
    list_filter = ["reason"]
    search_fields = ["address_key"]
    search_help_text = _("A whole address.")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | ({} if obj else {"form": SuppressionForm}))

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        return ["address_key", "reason"] if obj else ["email", "reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Suppression | None = None) -> list[str]:
        return ["address_key"] if obj else []

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        try:
            search_term = address_key(canonical(search_term)) if search_term else ""
        except InvalidAddress:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)
