"""Which thing a review is about, where no product is named: the noun phrase that it speaks of.

"These headphones sound great but the battery dies" is about "headphones". What a customer deals
with besides (people, time, money, the delivery) is no product. A guess, and scored as one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from model_servers.entities import NounPhrase
from tools.sentences import Span

_POINTING = frozenset({"this", "these"})
_LEADS = frozenset("the a an this these that those my our your his her their".split())  # noqa: SIM905
_NO_PRODUCTS = """
    one thing things stuff lot bit part piece kind sort way bunch pair couple rest all none
    person people man woman boy girl child children kid kids baby son daughter husband wife
    mother father mum mom dad parent parents brother sister friend friends family neighbour
    neighbor guest guests customer customers staff seller team agent driver courier nobody someone
    company shop store brand manufacturer maker amazon website site page account
    time times minute minutes hour hours day days week weeks weekend month months year years
    morning afternoon evening night today yesterday tomorrow monday tuesday wednesday thursday
    friday saturday sunday christmas birthday summer winter spring autumn
    service support help delivery shipping shipment order orders purchase return refund exchange
    money price cost costs value deal offer discount bargain euro euros dollar dollars pound pounds
    warranty guarantee invoice receipt mail mails email emails phone-call call calls answer reply
    review reviews rating star stars comment description picture pictures photo photos instruction
    instructions manual quality size sizes colour color colours colors shape weight length fit
    problem problems issue issues fault defect complaint question reason waste disappointment joy
    fun idea experience expectation expectations use work job hand hands foot feet head eye eyes
    ear ears back skin hair face home house door room world life trip holiday vacation present gift
    box parcel package packaging mind opinion point end start beginning fan
"""
_NONE = frozenset(_NO_PRODUCTS.split())
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


def spoken_of(text: str, phrases: Sequence[NounPhrase]) -> Span | None:
    """The product that a text speaks of, without its article; None where it speaks of none.

    "this" and "these" point at it; else it is what comes first.
    """
    things = [phrase for phrase in phrases if phrase.head not in _NONE]
    pointed = [phrase for phrase in things if phrase.first in _POINTING]
    return next((_bare(text, phrase) for phrase in (*pointed, *things)), None)


def _bare(text: str, phrase: NounPhrase) -> Span:
    """The phrase without its article, up to a comma."""
    words = list(_WORD.finditer(text, phrase.start, phrase.end))
    start = phrase.start
    if phrase.first in _LEADS and len(words) > 1:
        start = words[1].start()
    comma = text.find(",", start, phrase.end)
    return Span(start, phrase.end if comma < 0 else comma)
