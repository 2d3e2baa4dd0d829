"""Speaking to a provider that takes many readers in one call."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings

from delivery.gateway import finished, receipts, slots
from delivery.gateway.answers import verdict
from delivery.gateway.forms import Call, columns_of
from delivery.gateway.kept import LONGEST_CONNECT, Kept, Session
from delivery.gateway.profiles import Way
from delivery.messages import HandOver

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import requests

    from delivery.gateway.forms import Form
    from delivery.gateway.profiles import Profile
    from delivery.messages import IssueMail, Receipt, Recipient

sessions: Kept[Session] = Kept(Session.close)
# The form of the last issue of each mailer: all the batches of a dispatch are written on it.
_latest: dict[str, tuple[IssueMail, dict[str, Any], Form]] = {}


def ready(
    mail: IssueMail, recipients: Sequence[Recipient], *, alias: str, scheme: str, profile: Profile, key: str
) -> HandOver:
    """Raises ValueError when two recipients share an address: a provider's answer could not tell them apart."""
    if len({recipient.address for recipient in recipients}) != len(recipients):
        raise ValueError("An address stands twice in one batch.")
    form = form_of(mail, alias=alias, scheme=scheme, way=profile.way)
    if profile.way is Way.SLOTS:
        recipients = slots.safe(recipients)
    columns = columns_of(recipients)
    fitting = form.fitting(columns, most=profile.largest_call)
    if fitting < len(recipients):  # the others are left for the next call
        recipients, columns = recipients[:fitting], {name: own[:fitting] for name, own in columns.items()}
    if profile.key_life and not key:
        key = str(uuid.uuid4())  # nobody means to repeat it
    call = Call(form, columns, key=key)
    return HandOver(partial(_speak, call, recipients, alias=alias, scheme=scheme), call.fingerprint)


def form_of(mail: IssueMail, *, alias: str, scheme: str, way: Way) -> Form:
    options = settings.MAILERS[alias]
    known_mail, known_options, known = _latest.get(alias, (None, None, None))
    if known is not None and known_options == options and known_mail == mail:
        return known
    make = slots.form if way is Way.SLOTS else finished.form
    form = make(mail, alias=alias, scheme=scheme)
    _latest[alias] = (mail, options, form)
    return form


def _speak(call: Call, recipients: Sequence[Recipient], *, alias: str, scheme: str) -> Receipt:
    try:
        with sessions.use(alias, make=session) as open_session:
            answer = _post(open_session, call)
    except Exception as error:  # whatever it was, these readers need a verdict
        return receipts.nobody(verdict(error), recipients)
    return receipts.read(scheme, answer, recipients)


def _post(session: Session, call: Call) -> requests.Response:
    form = call.form
    headers = dict(form.headers)
    if call.key:
        headers["Idempotency-Key"] = call.key  # Resend's; whoever does not know it does not mind
    return session.post(
        form.url,
        data=call,
        headers=headers,
        auth=form.auth,
        timeout=(LONGEST_CONNECT, form.timeout),
    )


def session() -> Session:
    made = Session()
    made.headers["User-Agent"] = "Courant"
    return made
