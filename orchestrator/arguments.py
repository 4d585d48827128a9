"""Reads a tool's parameters from the words of a clause, by rules, field by field.

The rules go by the field's name and type, not by the tool, so a tool from outside whose arguments
use the same names is served too. What can't be read is left out; a required argument that is
missing makes the router unsure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue

from orchestrator.plan import REQUEST
from tools.contracts import Tool
from tools.language_names import find_languages


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the words say. `fan_out` has a field of which several values were named: a step each."""

    args: Mapping[str, JsonValue]
    fan_out: tuple[str, tuple[JsonValue, ...]] | None = None
    missing: tuple[str, ...] = ()


VALUE_WORDS: Mapping[str, str] = {
    # entity types
    "person": r"people|persons?|who(?:'s| is| are| was)\b|names? of|everyone|personen|wer\b|"
    r"the names?\b|personnes?|qui\b|personas?|quién\w*|pessoas?|quem\b|"
    r"人名|人物|谁|哪些人|人\b|人と|人や|誰|"
    r"أشخاص|الأشخاص|लोग\w*|व्यक्ति\w*",
    "organisation": r"organi[sz]ations?|compan(?:y|ies)|firms?|brands?|employers?|organisationen|"
    r"firmen|unternehmen|entreprises?|sociétés?|organizaciones|empresas?|organizações|entidades|"
    r"组织|公司|机构|組織|会社|شركات|الشركات|कंपनि\w*|संगठन\w*",
    "place": r"places?|locations?|cit(?:y|ies)|countr(?:y|ies)|towns?|where\b|orte?\b|städte|"
    r"länder|lieux?|villes?|pays\b|lugares?|locali(?:dades|tés)|ciudades|países|cidades|地点|地名|城市|国家|地方|"
    r"場所|都市|أماكن|الأماكن|مدن|जगह\w*|स्थान\w*|शहर\w*",
    "date": r"dates?\b|when\b|times?\b|days?\b|deadlines?|daten\b|datum|termine?|wann|"
    r"quand|fechas?|cuándo|datas?\b|日期|时间|何时|日付|日時|تواريخ|التواريخ|तारीख\w*",
    "amount": r"amounts?|prices?|sums?\b|money|costs?|figures|beträge|preise|montants?|prix|"
    r"importes?|precios?|valores|preços?|金额|价格|金額|値段|مبالغ|المبالغ|राशि\w*|कीमत\w*|रकम\w*",
    "product": r"products?|items?\b|goods|produkte?|artikel|produits?|productos?|produtos?|"
    r"产品|商品|製品|منتجات|المنتجات|उत्पाद\w*",
    "email": r"e-?mails?(?: addresses)?|mailadressen|courriels?|correos?|邮箱|邮件地址|"
    r"メールアドレス|البريد|ईमेल",
    "phone": r"phones?|telephone|phone numbers?|mobile numbers?|telefonnummern?|téléphones?|"
    r"teléfonos?|telefones?|电话|手机号|電話番号|هاتف|फ़ोन",
    "url": r"urls?|links?|web ?sites?|网址|链接|リンク|روابط",
    "iban": r"ibans?|bank accounts?|account numbers?|kontonummern?|银行账号",
    "credit_card": r"credit cards?|card numbers?|kreditkarten\w*|cartes? (?:de crédit|bancaires?)|"
    r"tarjetas?|cart(?:ão|ões)|信用卡|クレジットカード",
    # what a text is classified by
    "sentiment": r"sentiment|good or bad|bad or good|positive|negative|happy|angry|upset|mood|"
    r"feel\w*|tone|stimmung|gut oder schlecht|positiv|ton\b|bon(?:ne)? ou mauvais\w*|positif|"
    r"buen[oa] o mal[oa]|positiv[oa]|humor|b[oa]m? ou (?:ruim|má|mau)|好评|差评|情感|情绪|"
    r"正面|负面|好还是坏|感情|ポジティブ|ネガティブ|إيجابي|سلبي|सकारात्मक|नकारात्मक",
    "language": r"(?:what|which) language|language is (?:this|that|it)|identify the language|"
    r"welche sprache|welcher sprache|quelle langue|qué idioma|que idioma|que língua|什么语言|"
    r"哪种语言|何語|أي لغة|कौन सी भाषा|किस भाषा",
    "topic": r"topic|subject|about what|category|thema|kategorie|sujet|thème|tema|categoría|"
    r"assunto|主题|类别|トピック|話題|موضوع|विषय",
    "intent": r"intent(?:ion)?|wants?\b|absicht|intención|intenção|意图|意図|نية|इरादा",
    # a voice, and a file of subtitles
    "female": r"female|woman['’]?s|weiblich\w*|frauenstimme|voix de femme|féminine|"
    r"voz de mujer|femenina|voz feminina|女声|女性の声|صوت (?:امرأة|نسائي)|महिला",
    "male": r"male|man['’]?s voice|männlich\w*|männerstimme|voix d['’]homme|masculine|"
    r"voz de hombre|masculina|男声|男性の声|صوت (?:رجل|رجالي)|पुरुष",
    "srt": r"srt|subtitle\w*|untertitel\w*|sous-titr\w*|subtítul\w*|subtitul\w*|legend(?:as|e)\b|"
    r"字幕|ترجمة نصية|उपशीर्षक",
    "vtt": r"(?:web)?vtt|captions?",
    # how long
    "short": r"one[- ]liner|tl;?dr|brief(?:ly)?|short(?:ly|er|est)?|in a nutshell|one line|kurz\w*|"
    r"bref|brièvement|courte?|breve(?:mente)?|cort(?:[oa]|it[oa])s?\b|curt(?:[oa]|inh[oa])s?\b|"
    r"resumid[oa]|简短|简要|一句话|短く|簡潔|"
    r"باختصار|संक्षेप",
    "long": r"detailed|in detail|thorough|(?<!how )long\b|ausführlich|détaillé|"
    r"detallad\w*|detalhad\w*|详细|詳しく|مفصل|विस्तार",
}
"""How people say the values of closed lists, in the nine languages that the router knows."""

FLAG_WORDS: Mapping[str, str] = {
    "redact": r"redact|anonymi[sz]e|bl(?:ack|ank) ?out|mask|hide|remove\b|get rid|take out|strip\b|"
    r"scrub\b|without (?:the )?names|schwärz|anonymisier|entfern|unkenntlich|\braus\b|anonymise|"
    r"caviard|masque|enl[eè]v|supprim|anonimiz|anonimic|oculta|tacha|borra|elimina|quita|apaga|"
    r"apague|remova|脱敏|匿名|打码|隐去|抹掉|抹去|去掉|删掉|删除|マスク|伏せ|消し|隠し|إخفاء|احذف|حذف|"
    r"छिपा|हटा|गुमनाम",
    "denoise": r"nois[ey]|hiss|bad line|background|rausch|verrauscht|bruit|ruid\w*|噪音|杂音|雑音|"
    r"ضوضاء|ضجيج|शोर",
    "multi_label": r"all that apply|any that apply|multiple labels|every label|可多选",
}

_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10,
    "a": 1, "single": 1, "ein": 1, "einem": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "un": 1, "una": 1, "une": 1, "uma": 1, "um": 1, "deux": 2, "trois": 3, "dos": 2, "tres": 3,
    "dois": 2, "duas": 2, "três": 3, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5,
    "eight": 8, "nine": 9, "twelve": 12, "fifteen": 15, "twenty": 20, "sechs": 6, "sieben": 7,
    "acht": 8, "zehn": 10, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "dix": 10,
    "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "sete": 7, "ocho": 8, "oito": 8, "diez": 10,
    "dez": 10, "quatro": 4, "due": 2, "tre": 3, "quattro": 4, "cinque": 5, "sei": 6, "dieci": 10,
    "六": 6, "七": 7, "八": 8, "九": 9, "十": 10, "두": 2, "세": 3, "네": 4, "다섯": 5, "한": 1,
    "двух": 2, "два": 2, "две": 2, "три": 3, "трёх": 3, "трех": 3, "четыре": 4, "пять": 5,
    "пяти": 5, "одно": 1, "одном": 1, "dwa": 2, "dwóch": 2, "trzy": 3, "trzech": 3,
    "cztery": 4, "pięć": 5,
    "दो": 2, "तीन": 3, "चार": 4, "पाँच": 5, "पांच": 5, "एक": 1, "ثلاث": 3, "أربع": 4, "خمس": 5,
    "twee": 2, "drie": 3, "vijf": 5, "iki": 2, "üç": 3, "beş": 5,
}  # fmt: skip
_SENTENCES = re.compile(
    r"(?<![^\W\d])(?P<number>\d{1,2}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")"
    r"[\s-]*(?:short |kurzen |kurze |brief |plain |個?の?|つの|条|個)?"
    r"(?:sentences?|lines?\b|bullet|points?\b|sätzen?|zeilen|stichpunkte?n?|punkten?\b|phrases?|"
    r"lignes|frases?|líneas?|linhas?|puntos|pontos|frasi|righe|punti|句话?|句話|行|文で|要点|要點|"
    r"문장|줄|предложени\w*|строк\w*|пункт\w*|zdani\w*|punkt\w*|जुमल\w*|वाक्य\w*|पंक्ति\w*|लाइन\w*|"
    r"جمل|أسطر|نقاط|zinnen|regels|cümle\w*)"
    r"|(?P<two>جملتين|سطرين|نقطتين)|(?P<one>جملة|سطر واحد)"
    r"|(?:要点|point)\s*(?P<after>\d{1,2})",
    re.IGNORECASE,
)

_TO = re.compile(
    r"(?:\b(?:to|into|in|as|auf|ins|nach|zu|en|au|vers|al?|para|pro|em|no)\s+(?:the\s+|le\s+|el\s+"
    r"|l'|o\s+|simple\s+|plain\s+)?|[成为到用译]|إلى\s*(?:ال)?)$",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"(?:\b(?:(?:it['’]s|it is|this is|they are|written) (?:all |still )?in|from|out of|"
    r"aus dem|vom|von|du|depuis l[ea']|del|desde el|do)\s+(?:the\s+)?"
    r"|[从由把])$",
    re.IGNORECASE,
)
_LIST_LINK = re.compile(
    r"\s*(?:,|、|，|;|/|&)?\s*(?:and|und|et|y|e|or|plus|as well as|和|与|及|と|و|और)?\s*"
    r"(?:in(?:to)?|to|en|auf|ins|al?|para)?\s*(?:the\s+)?",
    re.IGNORECASE,
)


def target_languages(words: str) -> tuple[list[str], str | None]:
    """Languages to go to, in order, and the one to come from where it is named."""
    found = find_languages(words)
    targets: list[str] = []
    source: str | None = None
    unmarked: list[str] = []
    previous_end, previous_was_target = -1, False
    for start, end, code in found:
        before = words[:start]
        in_list = previous_was_target and _LIST_LINK.fullmatch(words[previous_end:start])
        if _FROM.search(before) and not in_list:
            source = source or code
            previous_was_target = False
        elif _TO.search(before) or in_list:
            targets.append(code)
            previous_was_target = True
        else:
            unmarked.append(code)
            previous_was_target = False
        previous_end = end
    if not targets:
        targets, unmarked = unmarked, []
    if source is None and unmarked and unmarked[0] not in targets:
        source = unmarked[0]
    return list(dict.fromkeys(targets)), source


_LABEL_WORD = r"[^,;、，;.?!。？！:：/|]{1,60}?"
_LABEL_LIST = re.compile(
    rf"(?P<items>{_LABEL_WORD}(?:\s*[,;、，/|]\s*{_LABEL_WORD})*"
    rf"\s*[,、，/|]?\s*(?:\b(?:or|and|oder|und|ou|et|o|u|y|e)\b|或者?|还是|または|か|أو|या)\s*{_LABEL_WORD}"
    rf"|{_LABEL_WORD}(?:\s*[,;、，/|]\s*{_LABEL_WORD}){{2,}}"
    rf"|{_LABEL_WORD}\s*[、/|]\s*{_LABEL_WORD})\s*(?:[.?!。？！]|$)",
    re.IGNORECASE,
)
_LABEL_SPLIT = re.compile(
    r"\s*[,;、，/|]\s*(?:(?:or|and|oder|und|ou|et|o|y|e)\s+)?|\s+(?:or|and|oder|und|ou|et|o|u|y|e)\s+"
    r"|\s*(?:或者?|还是|または)\s*",
    re.IGNORECASE,
)
_LABELS_FOLLOW = re.compile(
    r"(?:\b(?:as|into|one of|either|among|between|labels?|categor(?:y|ies)|classes|departments?|"
    r"als|in|comme|como|entre|parmi|zwischen)\b|[:：(（]|[为成]|属于)\s*"
    r"(?:either\s+|one of\s+)?",
    re.IGNORECASE,
)


def label_list(words: str) -> tuple[list[str], str] | None:
    """The labels that a list at the start of `words` names, and what comes after it.

    A list has two to thirty items of at most four words each; None where there is no list.
    """
    match = _LABEL_LIST.match(words.strip())
    if match is None:
        return None
    items = [item.strip(" \"'“”()[]") for item in _LABEL_SPLIT.split(match["items"])]
    items = [item for item in items if item]
    if not 2 <= len(items) <= 30 or any(len(item.split()) > 4 for item in items):
        return None
    return list(dict.fromkeys(items)), words.strip()[match.end() :].strip()


def labels_in(words: str) -> list[str] | None:
    """Labels named after a word that announces them, as in "as billing, shipping or other", or
    that a question begins with, as in "bug, wish or rant? …"."""
    asked = _ASKED_LABELS.match(words)
    if asked is not None and (found := label_list(asked[0])) is not None:
        return found[0]
    for match in _LABELS_FOLLOW.finditer(words):
        found = label_list(words[match.end() :].split(")", maxsplit=1)[0])
        if found is not None:
            return found[0]
    return None


_ASKED_LABELS = re.compile(r"\s*(?:[^\s,、]+(?: [^\s,、]+)?\s*[,、]\s*)+[^,、?？]{1,60}[?？]")
"""Items of one or two words with a comma between them: a list, and no sentence."""


def _said(value: str, words: str) -> bool:
    pattern = VALUE_WORDS.get(value, re.escape(value.replace("_", " ")))
    # In Latin script only at a word's beginning; others join their words, or a prefix to a word.
    begins = r"(?:(?<![^\W\d_])|(?=[^\x00-\u024f]))"
    return re.search(rf"{begins}(?:{pattern})", words, re.IGNORECASE) is not None


def read_arguments(tool: Tool, words: str) -> Arguments:
    """The tool's parameters as the clause says them; slots are filled by the composer."""
    slots = tool.slots()
    args: dict[str, JsonValue] = {}
    fan_out: tuple[str, tuple[JsonValue, ...]] | None = None
    fields = tool.Args.model_fields
    for name, info in fields.items():
        if name in slots:
            continue
        value: JsonValue = None
        if name == "target_language":
            codes, _ = target_languages(words)
            value = codes[0] if codes else None
            if len(codes) > 1:
                fan_out = (name, tuple(codes))
        elif name == "source_language":
            value = target_languages(words)[1] if "target_language" in fields else None
        elif name == "language":
            value = _answer_language(words)
        elif name == "labels":
            value = list[JsonValue](labels_in(words) or ()) or None
        elif name == "sentences":
            value = _sentences(words)
        elif name in FLAG_WORDS:
            value = True if re.search(FLAG_WORDS[name], words, re.IGNORECASE) else None
        elif name in ("question", REQUEST):
            value = words.strip()
        elif values := _closed_list(info.annotation):
            said = [value for value in values if _said(value, words)]
            several = _takes_list(info.annotation)
            value = list[JsonValue](said) or None if several else next(iter(said), None)
        if value is not None:
            args[name] = value
    missing = tuple(
        name
        for name, info in fields.items()
        if info.is_required() and name not in slots and name not in args
    )
    return Arguments(args, fan_out, missing)


_IN = re.compile(r"(?:\b(?:in|auf|en|em)\s+|[用以成]|بال|ب)$", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"\s*(?:$|[.,;:!?。，、！？؟]|please|bitte|por favor|s'il|and\b|but\b|und\b|y\b|et\b|e\b"
    r"|[回写总概说でに]|में)",
    re.IGNORECASE,
)


def _answer_language(words: str) -> str | None:
    """The language that a result is wanted in: "in German" at a clause's end, and no other."""
    wanted = [
        code
        for start, end, code in find_languages(words)
        if _IN.search(words[:start]) and _CLAUSE_END.match(words[end:])
    ]
    return wanted[0] if len(wanted) == 1 else None


def _sentences(words: str) -> int | None:
    match = _SENTENCES.search(words)
    if match is None:
        return None
    if match["two"] or match["one"]:
        return 2 if match["two"] else 1
    number = (match["number"] or match["after"]).lower()
    count = int(number) if number.isdecimal() else _NUMBERS[number]
    return count if 1 <= count <= 20 else None


def _closed_list(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal, also inside `| None` and `list[…]`; of several, all of them."""
    if get_origin(annotation) is Literal:
        return tuple(value for value in get_args(annotation) if isinstance(value, str))
    return tuple(value for inner in get_args(annotation) for value in _closed_list(inner))


def _takes_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (list, tuple, set, frozenset):
        return True
    return origin in (Union, UnionType) and any(map(_takes_list, get_args(annotation)))


_ASKS_LANGUAGE = re.compile(
    r"(?:answer|reply|respond|write|and|in|antworte\w*|schreib\w*|auf|bitte|"
    r"répond\w*|en|respond\w*|em|por favor|s'il (?:te|vous) pla[iî]t|please|me|(?:your )?(?:the )?"
    r"answer|it|[用以请回答作]+|で|答えて|ください|\s|[.,!。！])*",
    re.IGNORECASE,
)


def only_answer_language(words: str) -> str | None:
    """The language, where a clause says no more than "answer in German"."""
    found = find_languages(words)
    if len(found) != 1:
        return None
    start, end, code = found[0]
    rest = words[:start] + " " + words[end:]
    return code if rest.strip(" .!。！") and _ASKS_LANGUAGE.fullmatch(rest) else None
