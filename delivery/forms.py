from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from delivery.models import SendingDomain
from subscribers.addresses import InvalidAddress, canonical


class SendingDomainForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = SendingDomain
        fields = ["domain", "warm_up_from", "first_day"]
        help_texts = {
            "domain": _(
                "What stands behind the @ of the sender's address, like daily.example. Only for a domain that has not "
                "sent to many readers before: mailbox providers trust a new sender slowly."
            ),
            "warm_up_from": _(
                "The day of its first issue. Six weeks later the limit ends by itself; delete this to end it sooner."
            ),
            "first_day": _(
                "So many within 24 hours on the first day, and 18 % more each day after: 200 become about 2,000 after "
                "two weeks and 6,000 after three. A bigger issue goes out over several days, and its page says "
                "until when it waits."
            ),
        }

    def clean_domain(self) -> str:
        """As it is counted: lower case, and an international name in its ASCII form."""
        given = self.cleaned_data["domain"].strip().removeprefix("@")
        try:
            return canonical(f"editors@{given}").rpartition("@")[2]
        except InvalidAddress:
            raise forms.ValidationError(_("This is not a domain. Write it like daily.example.")) from None
