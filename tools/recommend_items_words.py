"""The words of `recommend_items`: how people ask for it, and how it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tools.recommend_items import RecommendedItem, RecommendItemsResult
    from tools.recommendation.reasons import Reason

DESCRIPTION = (
    "Recommends items of the shop: gifts, things like another but cheaper, what a customer would "
    "like next, or what goes with a picture, within a price and without what is not wanted. Use it "
    "when someone looks for something to buy or wants ideas, not for questions about one item."
)

EXAMPLES: tuple[str, ...] = (
    "Something like this but cheaper",
    "What would customer 42 like next?",
    "Three gifts under 50 € for a runner",
    "Recommend a present for my father who loves gardening",
    "I'm looking for headphones for less than 100 euros",
    "Show me tents between 100 and 250 euros",
    "What else might I like?",
    "Have you got something similar to the Moka Express?",
    "Gift ideas for a ten year old, no toys",
    "Find me a waterproof jacket, not more than 120 €",
    "Which items would you suggest for user 17?",
    "anything cheaper than that?",
    "Recommend something to read on holiday",
    "I need a laptop bag, nothing with leather",
    "What do people buy most?",
    "推荐三个50欧元以下送给跑步爱好者的礼物",
    "有没有跟这个差不多但便宜一点的？",
    "客户42接下来会喜欢什么？",
    "给我推荐一款200元以内的耳机",
    "想送妈妈一份礼物，不要书",
    "Tres regalos por menos de 50 € para un corredor",
    "Algo parecido a esto pero más barato",
    "¿Qué le gustaría al cliente 42?",
    "Recomiéndame unos auriculares de menos de 80 euros",
    "Trois cadeaux à moins de 50 € pour un coureur",
    "Quelque chose comme ça mais moins cher",
    "Qu'est-ce qui plairait au client 42 ?",
    "Je cherche une idée de cadeau pour ma mère, pas de livres",
    "Drei Geschenke unter 50 € für einen Läufer",
    "So etwas wie das, aber günstiger",
    "Was könnte Kunde 42 als Nächstes gefallen?",
    "Ich suche ein Zelt für höchstens 200 Euro",
    "Três presentes até 50 € para um corredor",
    "Algo parecido com isto mas mais barato",
    "Do que o cliente 42 gostaria a seguir?",
    "ランナー向けの5000円以下のプレゼントを3つ教えて",
    "これに似ていてもっと安いものはありますか？",
    "お客様42が次に気に入りそうなものは？",
    "ثلاث هدايا بأقل من 50 يورو لعداء",
    "شيء مثل هذا لكن أرخص",
    "ماذا قد يعجب العميل 42؟",
    "धावक के लिए 50 यूरो से कम के तीन उपहार",
    "ऐसा ही कुछ, लेकिन सस्ता",
    "ग्राहक 42 को आगे क्या पसंद आएगा?",
)

TITLES: Mapping[str, str] = {
    "en": "Recommendations", "zh": "推荐", "es": "Recomendaciones", "fr": "Recommandations",
    "de": "Empfehlungen", "pt": "Recomendações", "ja": "おすすめ", "ar": "توصيات", "hi": "सुझाव",
}  # fmt: skip


class _Words(NamedTuple):
    """What is said of items (reasons), of constraints, and beside the items (notes)."""

    like: str
    shared: str
    cheaper: str
    history: str
    whole_history: str
    words: str
    meaning: str
    wanted: str
    picture: str
    popular: str
    under: str
    at_most: str
    at_least: str
    only: str
    without: str
    none: str
    loosen: str
    loosen_several: str
    unknown_customer: str
    no_history: str
    unknown_item: str
    cheaper_than_what: str
    price_unknown: str
    nearest_to_picture: str
    other_currency: str
    fewer: str


_WORDS: Mapping[str, _Words] = {
    "en": _Words(
        "like {}", "shares: {}", "{} less", "because of {} in the history",
        "fits what was chosen so far", "matches “{}”", "close in meaning to “{}”",
        "as asked: {}", "looks like the picture", "popular",
        "under {}", "at most {}", "at least {}", "only: {}", "without: {}",
        "No item meets all of this: {}.", "If “{}” need not hold, there is {} ({}).",
        "Leaving out one of these does not help; leave out several.",
        "Nobody knows customer {}: these are the items that most people take.",
        "Nothing is known yet of what customer {} likes: these are what most people take.",
        "No item is called “{}”; I went by these words.",
        "Cheaper than what? Name the item, and I will look for cheaper ones.",
        "The price of {} is not known, so I can't tell what is cheaper.",
        "The nearest item to the picture is {}.",
        "The prices are in {}; I took the number as it was said.",
        "Only {} meet this.",
    ),
    "zh": _Words(
        "与{}相似", "共同点：{}", "便宜{}", "因为记录中有{}", "符合以往的选择", "符合“{}”",
        "与“{}”意思相近", "符合要求：{}", "与图片相似", "热门",
        "低于{}", "不超过{}", "不低于{}", "仅限：{}", "不含：{}",
        "没有商品同时满足：{}。", "如果不要求“{}”，有{}（{}）。",
        "只放宽其中一项不够，请放宽几项。",
        "没有编号为{}的顾客：这些是最受欢迎的商品。",
        "还不了解顾客{}的喜好：这些是最受欢迎的商品。",
        "没有名为“{}”的商品；我按这些词查找。",
        "比什么便宜？请说出商品名，我来找更便宜的。",
        "{}的价格未知，无法判断哪些更便宜。", "与图片最接近的商品是{}。",
        "价格以{}计；数字按原样理解。", "只有{}件符合。",
    ),
    "es": _Words(
        "como {}", "en común: {}", "{} menos", "por {} en el historial",
        "encaja con lo elegido hasta ahora", "coincide con «{}»", "de sentido cercano a «{}»",
        "como se pidió: {}", "se parece a la imagen", "popular",
        "menos de {}", "como máximo {}", "al menos {}", "solo: {}", "sin: {}",
        "Ningún artículo cumple todo esto: {}.", "Si «{}» no hace falta, hay {} ({}).",
        "Quitar una sola condición no basta; quite varias.",
        "Nadie conoce al cliente {}: estos son los artículos que más se eligen.",
        "Aún no se sabe qué le gusta al cliente {}: estos son los que más se eligen.",
        "Ningún artículo se llama «{}»; he buscado por esas palabras.",
        "¿Más barato que qué? Diga el artículo y buscaré otros más baratos.",
        "No se conoce el precio de {}, así que no sé qué es más barato.",
        "El artículo más parecido a la imagen es {}.",
        "Los precios están en {}; he tomado el número tal como se dijo.",
        "Solo {} lo cumplen.",
    ),
    "fr": _Words(
        "comme {}", "en commun : {}", "{} de moins", "à cause de {} dans l'historique",
        "va avec les choix faits jusqu'ici", "correspond à « {} »", "proche du sens de « {} »",
        "comme demandé : {}", "ressemble à la photo", "populaire",
        "moins de {}", "au plus {}", "au moins {}", "seulement : {}", "sans : {}",
        "Aucun article ne remplit tout cela : {}.", "Sans « {} », il y a {} ({}).",
        "Lever une seule condition ne suffit pas ; levez-en plusieurs.",
        "Personne ne connaît le client {} : voici ce que la plupart choisissent.",
        "On ne sait pas encore ce qu'aime le client {} : voici ce que la plupart choisissent.",
        "Aucun article ne s'appelle « {} » ; j'ai cherché d'après ces mots.",
        "Moins cher que quoi ? Nommez l'article, je chercherai moins cher.",
        "Le prix de {} n'est pas connu : impossible de dire ce qui est moins cher.",
        "L'article le plus proche de la photo est {}.",
        "Les prix sont en {} ; j'ai pris le nombre tel quel.",
        "Seulement {} conviennent.",
    ),
    "de": _Words(
        "wie {}", "gemeinsam: {}", "{} günstiger", "wegen {} im Verlauf",
        "passt zu dem, was bisher gewählt wurde", "passt zu „{}“", "dem Sinn nach nah an „{}“",
        "wie gewünscht: {}", "sieht dem Bild ähnlich", "beliebt",
        "unter {}", "höchstens {}", "mindestens {}", "nur: {}", "ohne: {}",
        "Kein Artikel erfüllt das alles: {}.", "Ohne „{}“ gibt es {} ({}).",
        "Nur eine Bedingung wegzulassen reicht nicht; lassen Sie mehrere weg.",
        "Niemand kennt Kunde {}: Das sind die Artikel, die am meisten gewählt werden.",
        "Was Kunde {} mag, ist noch nicht bekannt: Das sind die am meisten gewählten Artikel.",
        "Kein Artikel heißt „{}“; ich habe nach diesen Wörtern gesucht.",
        "Günstiger als was? Nennen Sie den Artikel, dann suche ich günstigere.",
        "Der Preis von {} ist nicht bekannt, also lässt sich nicht sagen, was günstiger ist.",
        "Dem Bild am nächsten ist {}.",
        "Die Preise sind in {}; die Zahl habe ich genommen, wie sie da stand.",
        "Nur {} erfüllen das.",
    ),
    "pt": _Words(
        "como {}", "em comum: {}", "{} a menos", "por causa de {} no histórico",
        "combina com o que já foi escolhido", "corresponde a “{}”", "de sentido próximo a “{}”",
        "como pedido: {}", "parece-se com a imagem", "popular",
        "menos de {}", "no máximo {}", "pelo menos {}", "só: {}", "sem: {}",
        "Nenhum artigo cumpre tudo isto: {}.", "Se “{}” não for preciso, há {} ({}).",
        "Tirar só uma condição não basta; tire várias.",
        "Ninguém conhece o cliente {}: estes são os artigos mais escolhidos.",
        "Ainda não se sabe do que o cliente {} gosta: estes são os artigos mais escolhidos.",
        "Nenhum artigo se chama “{}”; procurei por estas palavras.",
        "Mais barato do que o quê? Diga o artigo e procuro mais baratos.",
        "O preço de {} não é conhecido, por isso não sei o que é mais barato.",
        "O artigo mais parecido com a imagem é {}.",
        "Os preços estão em {}; usei o número como foi dito.",
        "Só {} cumprem isto.",
    ),
    "ja": _Words(
        "{}に似ています", "共通点：{}", "{}安い", "履歴の{}から", "これまでの選択に合います",
        "「{}」に合います", "「{}」に意味が近い", "ご希望どおり：{}", "写真に似ています", "人気",
        "{}未満", "{}以下", "{}以上", "限定：{}", "除外：{}",
        "すべての条件に合う商品はありません：{}。", "「{}」を外せば、{}（{}）があります。",
        "条件を一つ外すだけでは足りません。いくつか外してください。",
        "お客様{}の記録がありません。よく選ばれている商品です。",
        "お客様{}の好みはまだわかりません。よく選ばれている商品です。",
        "「{}」という商品はありません。この言葉で探しました。",
        "何より安いものですか？商品名を教えてください。",
        "{}の価格がわからないため、どれが安いか判断できません。",
        "写真に最も近い商品は{}です。", "価格は{}です。数字はそのまま使いました。",
        "条件に合うのは{}点だけです。",
    ),
    "ar": _Words(
        "مثل {}", "المشترك: {}", "أقل بمقدار {}", "بسبب {} في السجل", "يناسب ما اختير حتى الآن",
        "يطابق «{}»", "قريب في المعنى من «{}»", "كما طُلب: {}", "يشبه الصورة", "رائج",
        "أقل من {}", "{} على الأكثر", "{} على الأقل", "فقط: {}", "بدون: {}",
        "لا يوجد منتج يحقق كل هذا: {}.", "إذا لم يكن «{}» ضروريًا فهناك {} ({}).",
        "التخلي عن شرط واحد لا يكفي؛ تخلَّ عن عدة شروط.",
        "لا أحد يعرف العميل {}: هذه أكثر المنتجات اختيارًا.",
        "لا يُعرف بعد ما يحبه العميل {}: هذه أكثر المنتجات اختيارًا.",
        "لا يوجد منتج اسمه «{}»؛ بحثت بهذه الكلمات.",
        "أرخص من ماذا؟ اذكر المنتج وسأبحث عن الأرخص.",
        "سعر {} غير معروف، فلا يمكن القول ما الأرخص.", "أقرب منتج إلى الصورة هو {}.",
        "الأسعار بعملة {}؛ أخذت الرقم كما قيل.", "{} فقط تحقق هذا.",
    ),
    "hi": _Words(
        "{} जैसा", "समान: {}", "{} कम", "इतिहास में {} के कारण", "अब तक की पसंद से मेल खाता है",
        "“{}” से मेल खाता है", "“{}” के अर्थ के करीब", "जैसा माँगा: {}", "तस्वीर जैसा", "लोकप्रिय",
        "{} से कम", "अधिकतम {}", "कम से कम {}", "केवल: {}", "बिना: {}",
        "कोई वस्तु यह सब पूरा नहीं करती: {}।", "अगर “{}” ज़रूरी न हो, तो {} ({}) है।",
        "एक शर्त हटाना काफ़ी नहीं; कई हटाएँ।",
        "ग्राहक {} को कोई नहीं जानता: ये सबसे ज़्यादा चुनी जाने वाली वस्तुएँ हैं।",
        "ग्राहक {} की पसंद अभी पता नहीं: ये सबसे ज़्यादा चुनी जाने वाली वस्तुएँ हैं।",
        "“{}” नाम की कोई वस्तु नहीं; मैंने इन शब्दों से खोजा।",
        "किससे सस्ता? वस्तु का नाम बताएँ, मैं सस्ती खोजूँगा।",
        "{} की कीमत पता नहीं, इसलिए नहीं कह सकते कि क्या सस्ता है।",
        "तस्वीर के सबसे करीब {} है।", "कीमतें {} में हैं; संख्या जैसी कही गई वैसी ली।",
        "केवल {} यह पूरा करती हैं।",
    ),
}  # fmt: skip

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CNY": "¥", "INR": "₹"}
_DECIMAL_COMMA = frozenset({"es", "fr", "de", "pt"})
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")
_MOST_REASONS = 3


def report(data: RecommendItemsResult, language: str) -> str:
    """The items as a numbered list in Markdown, each with its price and why it is there; where
    there are none, what can be done."""
    words = _WORDS.get(language, _WORDS["en"])
    lines = [
        _entry(number, item, words, language) for number, item in enumerate(data.items, start=1)
    ]
    beside = [getattr(words, note.kind).format(plain(note.about)) for note in data.notes]
    asks_back = not data.items and any(n.kind == "cheaper_than_what" for n in data.notes)
    if not data.items and not asks_back:
        said = list(constraints(data, language).values())
        beside.append(words.none.format(_joined(said, language) or "–"))
        beside += _what_helps(data, words, language) or [words.loosen_several]
    return "\n\n".join(filter(None, ["\n".join(lines), "\n\n".join(beside)]))


def plain(text: str) -> str:
    """A catalogue's words so that they stand in Markdown as they are, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def money(value: float, currency: str, language: str) -> str:
    """A price such as "49.90 €"; in some languages with a comma."""
    number = f"{value:.2f}"
    if language in _DECIMAL_COMMA:
        number = number.replace(".", ",")
    return f"{number} {_SIGNS.get(currency, currency)}"


def constraints(data: RecommendItemsResult, language: str) -> dict[str, str]:
    """What every item must meet, in words, by the field that holds it."""
    words = _WORDS.get(language, _WORDS["en"])
    known = data.understood
    priced = [*(item.currency for item in data.items), *(each.currency for each in data.loosen)]
    currency = next(iter(priced), known.currency or "")
    said: dict[str, str] = {}
    for field, phrase in (
        ("price_min", words.at_least),
        ("price_max", words.at_most),
        ("price_below", words.under),
    ):
        value: float | None = getattr(known, field)
        if value is not None:
            said[field] = phrase.format(money(value, currency, language).strip())
    for field, phrase in (
        ("categories", words.only),
        ("excluded_categories", words.without),
        ("excluded_words", words.without),
    ):
        names: tuple[str, ...] = getattr(known, field)
        if names:
            said[field] = phrase.format(_joined([plain(name) for name in names], language))
    return said


def _entry(number: int, item: RecommendedItem, words: _Words, language: str) -> str:
    price = "" if item.price is None else f" – {money(item.price, item.currency, language)}"
    why = [_reason(reason, item, words, language) for reason in item.reasons[:_MOST_REASONS]]
    told = f"\n   {_joined(why, language, separator='; ')}" if why else ""
    return f"{number}. **{plain(item.title)}**{price}{told}"


def _reason(reason: Reason, item: RecommendedItem, words: _Words, language: str) -> str:
    title = plain(reason.title or "")
    match reason.kind:
        case "like":
            return words.like.format(title)
        case "history":
            return words.history.format(title) if reason.item else words.whole_history
        case "words":
            return words.words.format(_joined([plain(w) for w in reason.words], language))
        case "meaning":
            return words.meaning.format(plain(" ".join(reason.words)))
        case "trait":
            return _trait(reason, item, words, language)
        case "picture":
            return words.picture
        case "popular":
            return words.popular


def _trait(reason: Reason, item: RecommendedItem, words: _Words, language: str) -> str:
    said = []
    if reason.categories:
        phrase = words.shared if reason.item else words.wanted
        said.append(phrase.format(_joined([plain(c) for c in reason.categories], language)))
    if reason.cheaper_by is not None:
        said.append(words.cheaper.format(money(reason.cheaper_by, item.currency, language)))
    return _joined(said, language)


def _what_helps(data: RecommendItemsResult, words: _Words, language: str) -> list[str]:
    said = constraints(data, language)
    return [
        words.loosen.format(
            said[each.constraint],
            f"**{plain(each.title)}**",
            "?" if each.price is None else money(each.price, each.currency, language),
        )
        for each in data.loosen
    ]


def _joined(parts: Sequence[str], language: str, *, separator: str = ", ") -> str:
    if language in {"zh", "ja"}:
        separator = "，" if separator == "; " else "、"
    return separator.join(parts)
