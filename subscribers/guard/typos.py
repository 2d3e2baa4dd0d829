"""Slips in the part after the @: "did you mean gmail.com?". A hint beside the field, never a refusal."""

from __future__ import annotations

from functools import cache, lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Where most readers of the six languages have their mailbox: what may be meant.
MEANT = _words("""
    gmail.com googlemail.com yahoo.com ymail.com hotmail.com outlook.com live.com msn.com icloud.com me.com
    mac.com aol.com proton.me protonmail.com fastmail.com tutanota.com comcast.net verizon.net att.net
    sbcglobal.net bellsouth.net cox.net charter.net earthlink.net optonline.net rogers.com sympatico.ca shaw.ca
    telus.net videotron.ca yahoo.co.uk hotmail.co.uk live.co.uk outlook.co.uk btinternet.com virginmedia.com
    sky.com talktalk.net blueyonder.co.uk ntlworld.com eircom.net bigpond.com optusnet.com.au xtra.co.nz gmx.de
    gmx.net gmx.at gmx.ch web.de t-online.de freenet.de arcor.de posteo.de mailbox.org mail.de online.de
    outlook.de hotmail.de yahoo.de live.de vodafone.de bluewin.ch sunrise.ch hispeed.ch aon.at chello.at
    orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr club-internet.fr hotmail.fr
    yahoo.fr outlook.fr live.fr skynet.be telenet.be proximus.be hotmail.es yahoo.es outlook.es live.es
    telefonica.net terra.es movistar.es ono.com yahoo.com.mx hotmail.com.mx outlook.com.mx prodigy.net.mx
    yahoo.com.ar hotmail.com.ar fibertel.com.ar naver.com daum.net hanmail.net nate.com kakao.com yahoo.ae
    emirates.net.ae maktoob.com hotmail.sa
""")
# Providers one letter away from a larger one: their readers mean what they type.
GENUINE = _words("""
    mail.com email.com gmx.com rocketmail.com aim.com inbox.com usa.com hey.com zoho.com tuta.com tuta.io pm.me
    proton.ch protonmail.ch fastmail.fm fastmail.net hushmail.com mail.ru yandex.ru yandex.com qq.com 163.com
    126.com sina.com email.de mail.fr email.fr mailo.com live.it libero.it tin.it alice.it wp.pl o2.pl onet.pl
    op.pl interia.pl seznam.cz uol.com.br bol.com.br ig.com.br terra.com.br terra.com ziggo.nl planet.nl home.nl
    kpnmail.nl telia.com online.no online.fr aliceadsl.fr cegetel.net love.com mail.be mail.ch hotmail.ch gmx.fr
    gmx.es gmx.us gmx.info gmx.co.uk hanmir.com korea.com korea.kr dreamwiz.com empas.com empal.com freemail.de
    firemail.de cloud.com
""")
# These have a house in nearly every country: hotmail.se is no slip for hotmail.es.
EVERYWHERE = frozenset(["yahoo", "hotmail", "outlook", "live", "msn", "aol", "gmx", "windowslive"])
LONGEST = 60  # characters of a domain that may hold a slip
# Endings that do not exist, by what they stand for.
ENDINGS = {
    "com": "con cmo ocm vom xom comm coom cim cpm cok comn comt cpom ccom coml clm copm",
    "net": "ent nte ney nett neet nwt nrt",
    "org": "ogr rog orgg prg",
    "de": "dee ded dde",
    "fr": "ftr rf frr fre",
    "es": "ess",
}
MENDED = {slip: ending for ending, slips in ENDINGS.items() for slip in slips.split()}
# Those of small countries, which mean .com only behind a name that is known to be a .com.
ALSO_COM = frozenset(["co", "cm", "om", "c"])


def suggestion(email: str) -> str:
    """The address that may have been meant; "" where nothing looks like a slip. `email` is canonical."""
    local, at, domain = email.rpartition("@")
    if not at or not local or len(domain) > LONGEST:
        return ""
    meant = _meant(domain)
    return "" if meant == domain else f"{local}@{meant}"


@lru_cache(maxsize=4096)
def _meant(domain: str) -> str:
    """Itself, where nothing looks like a slip."""
    if domain in MEANT or domain in GENUINE:
        return domain
    mended = _ending_mended(domain)
    return mended if mended in MEANT or mended in GENUINE else _nearest(mended) or mended


def _ending_mended(domain: str) -> str:
    name, _, ending = domain.rpartition(".")
    if not name:
        return domain
    if ending in ALSO_COM and f"{name}.com" in MEANT:
        return f"{name}.com"
    return f"{name}.{MENDED.get(ending, ending)}"


def _nearest(domain: str) -> str:
    """ "" where none is near enough, or two are as near as each other."""
    name = domain.partition(".")[0]
    if name in EVERYWHERE:
        return ""
    near: dict[int, list[str]] = {}
    for meant in MEANT:
        # Each slip changes two letters of those in use at most: most pairs need no closer look.
        if len(_letters(meant) ^ frozenset(domain)) > 2 * _reach(meant):
            continue
        steps = _steps(domain, meant)
        is_near = steps <= _reach(meant) and (
            steps < 2 or meant[0] == domain[0]
        )  # a first letter is seldom mistaken
        if is_near:
            near.setdefault(steps, []).append(meant)
    found = near.get(min(near, default=0), [])
    return found[0] if len(found) == 1 else ""


@cache
def _letters(meant: str) -> frozenset[str]:
    return frozenset(meant)


@cache
def _reach(meant: str) -> int:
    """So many slips it may be away: none for short names, which are one letter away from anybody's."""
    length = len(meant.partition(".")[0])
    return 0 if length < 5 else 1 if length < 7 else 2


def _steps(typed: str, meant: str) -> int:
    """Letters left out, put in, mistaken, or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(meant) + 1))
    for row, letter in enumerate(typed, start=1):
        here = [row]
        for column, other in enumerate(meant, start=1):
            steps = min(last[column] + 1, here[column - 1] + 1, last[column - 1] + (letter != other))
            swapped = row > 1 and column > 1 and letter == meant[column - 2] and typed[row - 2] == other
            here.append(min(steps, before[column - 2] + 1) if swapped else steps)
        before, last = last, here
    return last[len(meant)]
