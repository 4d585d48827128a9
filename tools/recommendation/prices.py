"""Price bounds that a sentence states: "under 50 €", "between 20 and 40 euros", "不超过五百元"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.recommendation.amounts import Amount, amounts

_ROUGHLY = 0.2
"""How far from an "about 50 €" a price may be, as a share."""
_CENT = 0.01

# A bound is said before the amount, or after it. "Not over" is tried before "over".
_AT_MOST_BEFORE = (
    r"(?:(?:no|not|nothing|none|nichts|nicht|rien|pas|nada|não|no debe|without|"
    r"keine?[rs]?|aucune?|ningun[oa]|nenhuma?)\s+(?:be\s+|costing\s+|de\s+|à\s+)?"
    r"(?:more|over|above|higher|mehr als|über|teurer als|plus de|plus cher que|más de|más caro que|"
    r"por encima de|mais de|mais caro que|acima de|exceeding|dearer|more expensive)(?:\s+than)?)|"
    r"up to|at (?:the )?most|max(?:imum|imal|\.)?(?: of)?|maximum of|within|to spend|"
    r"budget(?: is| of|:)?|"
    r"can spend|i have|i've got|no exceda|capped at|limit(?: of| is)?|<=|≤|"
    r"höchstens|bis zu|bis|budget von|jusqu['’]à|jusqu['’]a|au plus|au maximum|maxi|budget de|"
    r"hasta|como máximo|como mucho|máximo(?: de)?|presupuesto de|até|no máximo|orçamento de|"
    r"不超过|不高于|最多|不要超过|预算|不超過|至多|上限|予算(?:は)?|最大|"
    r"لا (?:يزيد|تزيد|يتجاوز|تتجاوز)(?: سعر\w*)?(?: عن| على)?|حتى|بحد أقصى|بميزانية|अधिकतम|बजट|"
    r"(?:not|n['’]t|never) exceed|ne dépass\w+ pas|sans dépasser|"
    r"no (?:pas[ae]n?|super[ae]n?|exced[ae]n?|sobrepas[ae]n?)(?: de)?(?: los)?|"
    r"não (?:pass[ae]m?|ultrapass[ae]m?|exced[ae]m?|exceda)(?: de)?(?: os)?"
)
_BELOW_BEFORE = (
    r"under|below|beneath|less than|fewer than|cheaper than|lower than|<|"
    r"unter|weniger als|billiger als|günstiger als|unterhalb von|"
    r"(?:à |a )?moins de|moins cher(?:e?s)? que|sous(?: les)?|inférieure? à|en dessous de|"
    r"(?:por )?menos de|por debajo de|más barat[oa]s? que|inferior a|bajo|"
    r"mais barat[oa]s? (?:do )?que|abaixo de|"
    r"低于|少于|小于|不到|便宜过|أقل من|تحت|دون|أرخص من"
)
_AT_LEAST_BEFORE = (
    r"(?:no|not|nicht)\s+(?:less than|under|below|weniger als|unter)|"
    r"at least|from|starting (?:at|from)|minimum(?: of)?|min\.?|>=|≥|"
    r"mindestens|ab|minimal|au moins|à partir de|dès|al menos|por lo menos|mínimo(?: de)?|"
    r"a partir de|desde|pelo menos|no mínimo|至少|不低于|不少于|起码|"
    r"على الأقل|لا (?:يقل|تقل) عن|ابتداء من|कम से कम"
)
_OVER_BEFORE = (
    r"over|above|more than|higher than|upwards of|exceeding|>|über|mehr als|plus de|au-dessus de|"
    r"supérieure? à|más de|por encima de|superior a|mais de|acima de|高于|超过|大于|أكثر من|فوق"
)
_ROUGHLY_BEFORE = (
    r"in the (?:region|area|neighbou?rhood) of|somewhere around|about|around|roughly|"
    r"approximately|approx\.?|circa|ca\.|some|etwa|ungefähr|rund|um die|"
    r"environ|autour de|dans les|unos|alrededor de|aproximadamente|cerca de|uns|por volta de|"
    r"大约|大概|约|約|およそ|だいたい|حوالي|نحو|लगभग|करीब"
)
_AT_MOST_AFTER = (
    r"(?:or|and) (?:less|under|below|cheaper)(?! than| \d)|max(?:imum|imal|\.)?|at (?:the )?most|"
    r"tops|budget|"
    r"oder weniger|ou moins|au (?:plus|maximum)|o menos|como máximo|ou menos|no máximo|"
    r"以下|以内|之内|之下|封顶|まで|内で|以內|على الأكثر|तक|के अंदर|के भीतर|या कम|से ज़्यादा नहीं|"
    r"से अधिक नहीं"
)
_BELOW_AFTER = r"未満|より安[いく]|を下回る|से कम|से नीचे|से सस्त\w*"
_AT_LEAST_AFTER = (
    r"(?:or|and) (?:more|up|above|over)(?! than| to| \d)|at least|minimum|oder mehr|aufwärts|"
    r"ou plus|minimum|o más|"
    r"ou mais|以上|起|على الأقل|या (?:ज़्यादा|अधिक)|से शुरू"
)
_OVER_AFTER = r"より高[いく]|を超える|से (?:ज़्यादा|ज्यादा|अधिक|ऊपर|महंगा)"
_ROUGHLY_AFTER = r"左右|上下|前後|くらい|ぐらい|के आसपास|تقريبا|or so|environ"
_BUDGET_BEFORE = (
    r"(?:for|with|spend|costs?|price[ds]?(?: at| of)?|worth|für|mit|pour|avec|por|con|com|"
    r"用|花|につき|بـ?|मे[ंन]?)"
)
# "I don't want to spend more than that" states an upper bound.
_NOT = (
    r"(?:[a-z]+n['’]t|not|never|cannot|nicht|nie|niemals|ohne|without|ne|n['’]|pas|sans|jamais|no|"
    r"nunca|sin|não|sem|لا|لن|ألا|دون)"
)
_PAY = (
    r"(?:spend|spending|pay|paying|costs?|costing|afford|go(?:ing)?|be|want|need|like|"
    r"ausgeben|zahlen|bezahlen|kosten|kostet|"
    r"dépens\w+|pay(?:er|é|ez|ons)|coût\w+|mettre|gast\w+|pag[au]\w*|pago|cost[ae]\w*|cuest\w+|"
    r"cust\w+|أدفع|ندفع|أنفق|ننفق|أصرف|يكلف|تكلف)"
)
_UNWILLING = re.compile(
    rf"(?<![^\W_]){_NOT}(?:\s+[^\W\d_]+){{0,4}}?\s+{_PAY}(?:\s+[^\W\d_]+){{0,2}}\s*$"
    r"|(?:不(?![错同锈])|(?<![特区])别)[^,，、。;；!?\x1f]{0,4}$",
    re.IGNORECASE,
)
_NONE_OF_THEM = re.compile(
    r"(?<![^\W_])(?P<no>no|keine?n?|aucune?|ning[uú]na?|ningún|nenhuma?)\s+(?:[^\W\d_]+\s+){1,2}$",
    re.IGNORECASE,
)
"""Before "over 30 euros": "no toys over 30 euros" are toys up to that."""
_TOO_MUCH = re.compile(
    r"\s*(?:is|are|would be|['’]s|ist|sind|wäre|(?:c['’])?est|es|sería|é|seria)\s+(?:\w+\s+){0,2}?"
    r"(?:too (?:much|expensive|dear|pricey)|zu (?:viel|teuer)|trop|demasiado|demais|muito)(?!\w)"
    r"|\s*(?:\w+\s+){0,2}nicht (?:aus(?:zu)?geben|(?:be)?zahlen|kosten|sein|in frage)|\s*geht nicht"
    r"|\s*(?:(?:खर्च|का|के|की|महंग[ाे]|कीमत)\s+){0,2}(?:नहीं|न)(?!\w)"
    r"|的?(?:都|就|东西|商品|礼物){0,2}(?:不要|不行|不考虑|不买|太贵|除外)(?:了|的)?(?![\u4e00-\u9fff])"
    r"|(?:もの|の|商品)?[はが]?(?:ない|だめ|ダメ|嫌|いら|不要|除|避)",
    re.IGNORECASE,
)
"""After "over 50 euros": it is what nobody wants to pay."""
_OPENS_RANGE = r"between|from|zwischen|von|entre|de|desde|à partir de|从|在|بين|من|anywhere from"
_TO = (
    r"\s*(?:-|–|—|~|〜|to|and|up to|till|until|bis|und|y|a|à|et|e|até|hasta|到|至|和|から|و|إلى|"
    r"से|और)\s*"
)
_DASH_TO = r"\s*(?:-|–|—|~|〜|to|bis|a|à|até|hasta|到|至|から|إلى|से)\s*"
_BETWEEN_AFTER = r"\s*(?:के बीच|之间|の間|間)"

_FILLS = (
    r"(?:\s*(?:a |the )?(?:price|cost|total|amount|preis|prix|precio|preço)(?: of| de| von)?\s*|"
    r"\s*(?:of|de|von|about|around|the|a|is|:|als|que|من|عن)\s*|\s*)"
)
_GOES_ON = re.compile(
    r"\s*(?:$|[.,;:!?)\x1f\"”»/]|-$|(?:for|that|which|who|and|or|but|please|with|without|in|to|no|"
    r"not|nothing|as|from|each|per|total|altogether|would|next|like|only|für|der|die|das|und|oder|"
    r"aber|bitte|ohne|mit|kein\w*|nichts|zum|zur|pour|et|ou|mais|sans|avec|qui|pas|s['’]il|para|y|"
    r"o|pero|sin|con|que|por|nada|e|mas|sem|com|لل\w*|ل\w*|और|लेकिन|बिना|में)(?![^\W_])|"
    r"[的以之内下上给送适まの送でを]|$)",
    re.IGNORECASE,
)
"""What may follow a number that is a price though no currency stands beside it. Another noun is a
unit: "under 2 kg", "at least 16 GB"."""
_OF_PEOPLE = re.compile(
    r"(?:kids?|child(?:ren)?|boys?|girls?|ag(?:e|es|ed)|people|persons?|adults?|anyone|everyone|"
    r"kind(?:er|ern)?|enfants?|niñ[oa]s?|crianças?|menin[oa]s?|leute|gens|孩子|儿童|子供|子ども|"
    r"الأطفال|أطفال|बच्चों?|बच्चे)\s+(?:[^\W\d]+\s+){0,2}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """What a sentence says of the price, and where: `spans` are (start, end) in the sentence.

    `below` is strict. `currency` is that of the last amount that names one.
    """

    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    currency: str | None = None
    spans: tuple[tuple[int, int], ...] = ()


def read_prices(text: str) -> PriceBounds:
    """The price bounds that a sentence states; of several of a kind, the tightest.

    "About 50 €" allows a fifth more or less; an amount with a currency and no other word is a
    budget: at most that. A bare number counts with a word of comparison alone, and not where a
    unit follows it ("under 2 kg") or people go before it ("children under 10").
    """
    found = amounts(text)
    bounds = PriceBounds()
    at = 0
    while at < len(found):
        pair = found[at : at + 2]
        if len(pair) == 2 and (span := _range(text, *pair)) is not None:
            low, high = sorted((pair[0].value, pair[1].value))
            currency = pair[1].currency or pair[0].currency
            bounds = _tighter(bounds, PriceBounds(low, high, None, currency, (span,)))
            at += 2
            continue
        one = _single(text, found[at])
        if one is not None:
            bounds = _tighter(bounds, one)
        at += 1
    return bounds


def _range(text: str, low: Amount, high: Amount) -> tuple[int, int] | None:
    between = text[low.end : high.start]
    opens = _ends(_OPENS_RANGE, text[: low.start])
    closes = re.match(_BETWEEN_AFTER, text[high.end :])
    money = low.currency is not None or high.currency is not None
    if opens is None and closes is None:
        if not money or not re.fullmatch(_DASH_TO, between, re.IGNORECASE):
            return None
    elif not re.fullmatch(_TO, between, re.IGNORECASE) or (
        not money
        and (not (closes or _GOES_ON.match(text, high.end)) or _OF_PEOPLE.search(text[: low.start]))
    ):
        return None
    start = low.start if opens is None else opens
    return start, high.end + (closes.end() if closes else 0)


def _single(text: str, amount: Amount) -> PriceBounds | None:
    money = amount.currency is not None
    if not money and (
        (not _GOES_ON.match(text, amount.end) and not _said_after(text, amount))
        or _OF_PEOPLE.search(text[: amount.start])
    ):
        return None
    value, before = amount.value, text[: amount.start]
    span = (amount.start, amount.end)

    def made(start: int, end: int, **bound: float) -> PriceBounds:
        return PriceBounds(currency=amount.currency, spans=((start, end),), **bound)

    for pattern, bound in (
        (_AT_MOST_AFTER, {"at_most": value}),
        (_BELOW_AFTER, {"below": value}),
        (_AT_LEAST_AFTER, {"at_least": value}),
        (_OVER_AFTER, {"at_least": value + _CENT}),
    ):
        after = _begins(pattern, text[amount.end :])
        if after is not None:
            end = amount.end + after
            if pattern is _OVER_AFTER and (denied := _TOO_MUCH.match(text, end)) is not None:
                return made(amount.start, denied.end(), at_most=value)
            start = _ends(f"(?:{_AT_MOST_BEFORE})|(?:{_AT_LEAST_BEFORE})", before)
            return made(amount.start if start is None else start, end, **bound)
    for pattern, bound in (
        (_AT_MOST_BEFORE, {"at_most": value}),
        (_AT_LEAST_BEFORE, {"at_least": value}),
        (_BELOW_BEFORE, {"below": value}),
    ):
        start = _ends(pattern, before)
        if start is not None:
            return made(start, span[1], **bound)
    start = _ends(_OVER_BEFORE, before)
    if start is not None:
        spans = _denied(text, start, amount.end)
        if spans:
            return PriceBounds(at_most=value, currency=amount.currency, spans=spans)
        return made(start, span[1], at_least=value + _CENT)
    rough_start = _ends(_ROUGHLY_BEFORE, before)
    rough_end = _begins(_ROUGHLY_AFTER, text[amount.end :])
    if money and (rough_start is not None or rough_end is not None):
        margin = value * _ROUGHLY
        begin = amount.start if rough_start is None else rough_start
        low, high = round(value - margin, 2), round(value + margin, 2)
        return made(begin, span[1] + (rough_end or 0), at_least=low, at_most=high)
    if money:
        start = _ends(_BUDGET_BEFORE, before)
        return made(amount.start if start is None else start, span[1], at_most=value)
    return None


def _denied(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Where it is said that nothing over an amount is wanted; `text[start:end]` is "over 50 €"."""
    if (unwilling := _UNWILLING.search(text[:start])) is not None:
        return ((unwilling.start(), end),)
    if (none := _NONE_OF_THEM.search(text[:start])) is not None:
        return (none.span("no"), (start, end))
    if (too_much := _TOO_MUCH.match(text, end)) is not None:
        return ((start, too_much.end()),)
    return ()


def _said_after(text: str, amount: Amount) -> bool:
    said = f"{_AT_MOST_AFTER}|{_BELOW_AFTER}|{_AT_LEAST_AFTER}|{_OVER_AFTER}"
    return _begins(said, text[amount.end :]) is not None


def _ends(pattern: str, before: str) -> int | None:
    """Where a marker that the text before an amount ends in begins."""
    match = re.search(rf"(?<![^\W_\u3040-\u9fff])(?:{pattern}){_FILLS}$", before, re.IGNORECASE)
    return None if match is None else match.start()


def _begins(pattern: str, after: str) -> int | None:
    """How far a marker reaches that follows an amount."""
    match = re.match(rf"\s*の?(?:{pattern})(?![A-Za-zÀ-ɏ])", after, re.IGNORECASE)
    return None if match is None else match.end()


def _tighter(one: PriceBounds, other: PriceBounds) -> PriceBounds:
    return PriceBounds(
        max(_said(one.at_least, other.at_least), default=None),
        min(_said(one.at_most, other.at_most), default=None),
        min(_said(one.below, other.below), default=None),
        other.currency or one.currency,
        one.spans + other.spans,
    )


def _said(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]
