from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from delivery import circuit, tasks, waiting
from delivery.forms import SendingDomainForm
from delivery.models import Attempt, Batch, Delivery, Dispatch, MailerState, SendingDomain
from newsletter import given, team
from newsletter.adminsite import ModelAdmin, ReadOnlyAdmin, action, display, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


@register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    newsletter_path = "issue__newsletter"
    list_display = ["subject", "state", "audience_size", "started_at", "finished_at", "balance"]
    list_filter = ["state"]
    fields = [
        "issue",
        "state",
        "reason",
        "audience_size",
        "mailer",
        "batch_size",
        "started_by",
        "started_at",
        "finished_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispatch]:
        return super().get_queryset(request).defer("html", "text")

    @display(description=_("balance line"))
    def balance(self, dispatch: Dispatch) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("delivery:dispatch", args=[dispatch.pk]), _("Watch")
        )


@register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    newsletter_path = "dispatch__issue__newsletter"
    list_display = ["dispatch", "number", "cause", "state", "mailer", "tries", "lease_until", "not_before"]
    list_filter = ["state", "cause"]
    list_select_related = ["dispatch"]


@register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    newsletter_path = "batch__dispatch__issue__newsletter"
    list_display = [
        "batch",
        "mailer",
        "outcome",
        "readers",
        "accepted",
        "refused",
        "repeats",
        "detail",
        "started_at",
    ]
    list_filter = ["outcome"]
    list_select_related = ["batch"]
    ordering = ["-pk"]
    exclude = ["recipients"]  # addresses; kept for the repeat of a call, not for looking at


class DispatchFilter(SimpleListFilter):
    """One dispatch at a time, the newest by itself: the ledger has a row for every mail that was ever sent, and no
    index by which to look through all of it. Only whoever looks for an address sees every dispatch."""

    title = _("issue")
    parameter_name = "dispatch"
    newest = 12

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.is_search = bool(request.GET.get("q"))
        ids = team.newsletter_ids(request.user, model_admin.permission("view"))
        dispatches = (
            Dispatch.objects.all() if ids is None else Dispatch.objects.filter(issue__newsletter__in=ids)
        )
        rows = dispatches.values_list("pk", "subject")
        found = {str(pk): subject for pk, subject in rows[: self.newest]}
        chosen = self.value() or ""
        if chosen not in found and (number := given.number(chosen)):
            found |= {str(pk): subject for pk, subject in rows.filter(pk=number)}
        return list(found.items())

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        for chosen, title in self.lookup_choices:
            yield {
                "selected": str(chosen) == self._chosen(),
                "query_string": changelist.get_query_string({self.parameter_name: chosen}),
                "display": title,
            }

    def _chosen(self) -> str:
        if self.value() or self.is_search or not self.lookup_choices:
            return self.value() or ""
        return str(self.lookup_choices[0][0])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        number = given.number(self._chosen())
        return queryset.filter(dispatch=number) if number else queryset


@register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Who got it, row by row."""

    newsletter_path = "dispatch__issue__newsletter"
    list_display = ["reader", "dispatch", "state", "reason", "detail", "settled_at"]
    list_filter = [DispatchFilter, "state", "reason"]
    list_select_related = ["dispatch", "subscription__subscriber"]
    search_fields = ["subscription__subscriber__email__startswith"]
    search_help_text = _("The beginning of an address.")
    ordering = ["dispatch_id", "subscription_id"]  # the one index that begins with the dispatch
    sortable_by: ClassVar[list[str]] = []
    fields = [
        "dispatch",
        "subscription",
        "batch",
        "attempt",
        "state",
        "reason",
        "detail",
        "provider_id",
        "settled_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer("dispatch__html", "dispatch__text")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Where all are of one dispatch, that need not be said in every row."""
        return (
            self.list_display if request.GET.get("q") else [n for n in self.list_display if n != "dispatch"]
        )

    @display(description=_("reader"))
    def reader(self, delivery: Delivery) -> str:
        return delivery.subscription.subscriber.email if delivery.subscription else str(_("(deleted)"))


@register(MailerState)
class MailerStateAdmin(ReadOnlyAdmin):
    """What all workers know of a mailer. A row is there once it had something to tell."""

    list_display = ["name", "condition", "why"]
    actions = ["try_again_now"]
    fields = ["alias", "broken_since", "reason", "next_trial", "not_before", "waiting_for"]

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("delivery.add_dispatch")

    @display(description=_("mailer"))
    def name(self, state: MailerState) -> str:
        return waiting.mailer_name(state.alias)

    @display(description=_("at present"))
    def condition(self, state: MailerState) -> str:
        now = timezone.now()
        if state.broken_since:
            since = {"time": waiting.clock(state.broken_since, now=now)}
            if state.next_trial and state.next_trial > now:
                words = gettext("does not work since %(time)s; tried again at %(next)s")
                return words % (since | {"next": waiting.clock(state.next_trial, now=now)})
            return gettext("does not work since %(time)s") % since
        if state.not_before and state.not_before > now:
            return gettext("rests until %(time)s") % {"time": waiting.clock(state.not_before, now=now)}
        return gettext("works")

    @display(description=_("why"))
    def why(self, state: MailerState) -> str:
        is_resting = state.not_before and state.not_before > timezone.now()
        return state.reason or (state.waiting_for if is_resting else "")

    @action(description=_("Try the selected mailers again now"), permissions=["send"])
    def try_again_now(self, request: HttpRequest, queryset: QuerySet[MailerState]) -> None:
        aliases = list(queryset.values_list("alias", flat=True))
        circuit.close(*aliases)
        for state in queryset:
            self.log_change(request, state, str(_("Tried again now.")))
        for dispatch_id in Dispatch.objects.filter(state=Dispatch.State.SENDING).values_list("pk", flat=True):
            tasks.wake(dispatch_id)
        words = ngettext(
            "%(n)s mailer is tried again with the next batch.",
            "%(n)s mailers are tried again with the next batch.",
            len(aliases),
        )
        self.message_user(request, words % {"n": len(aliases)}, messages.SUCCESS)


@register(SendingDomain)
class SendingDomainAdmin(ModelAdmin):
    form = SendingDomainForm
    list_display = ["domain", "warm_up_from", "first_day", "today"]

    @display(description=_("readers within 24 hours today"))
    def today(self, domain: SendingDomain) -> str:
        cap = domain.cap(timezone.now().date())
        return str(_("no limit any more")) if cap is None else f"{cap:,}"
