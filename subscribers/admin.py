from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.adminsite import ModelAdmin, TabularInline, action, register
from subscribers import lifecycle, tasks
from subscribers.addresses import InvalidAddress, canonical
from subscribers.models import Subscriber, Subscription, Suppression, address_key

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


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


class SubscriptionInline(TabularInline):  # type: ignore[type-arg]
    model = Subscription
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

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Subscriber)
class SubscriberAdmin(ModelAdmin):
    form = AddressForm
    fields = ["email", "first_name"]
    list_display = ["email", "first_name", "created_at"]
    search_fields = ["email__startswith"]
    search_help_text = _("The beginning of an address.")
    show_full_result_count = False
    inlines = [SubscriptionInline]

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


@register(Subscription)
class SubscriptionAdmin(ModelAdmin):
    list_display = ["subscriber", "newsletter", "status", "origin", "confirmed_at", "unsubscribed_at"]
    list_filter = ["status", "newsletter"]
    list_select_related = ["subscriber", "newsletter"]
    search_fields = ["subscriber__email__startswith"]
    search_help_text = _("The beginning of an address.")
    show_full_result_count = False
    autocomplete_fields = ["subscriber"]
    plain_selects = ["newsletter"]
    fields = ["subscriber", "newsletter"]
    readonly = [
        "subscriber",
        "newsletter",
        "status",
        "origin",
        "requested_at",
        "confirmed_at",
        "unsubscribed_at",
    ]
    actions = ["unsubscribe"]

    def get_fields(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        return self.readonly if obj else ["subscriber", "newsletter"]

    def get_readonly_fields(self, request: HttpRequest, obj: Subscription | None = None) -> list[str]:
        """Only the reader's own confirmation makes a subscription active."""
        return self.readonly if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A reader who left must stay known as one who left."""
        return False

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        if change:
            return
        asked = lifecycle.subscribe(
            obj.newsletter, email=obj.subscriber.email, origin=Subscription.Origin.ADMIN
        )
        obj.pk = asked.pk
        tasks.wake(asked.pk)

    @action(description=_("Unsubscribe the selected readers"), permissions=["change"])
    def unsubscribe(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> None:
        left = sum(lifecycle.unsubscribe(subscription) for subscription in queryset)
        self.message_user(request, _("%d readers unsubscribed.") % left)


class SuppressionForm(AddressForm):
    class Meta:
        model = Suppression
        fields = ["reason"]


@register(Suppression)
class SuppressionAdmin(ModelAdmin):
    """Addresses are kept as hashes only; type one in full to find it."""

    list_display = ["address_key", "reason", "suppressed_at"]
    list_filter = ["reason"]
    show_full_result_count = False
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
