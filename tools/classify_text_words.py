"""The words of `classify_text`: how people ask for it, what it chooses from, how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.language_names import language_name

EXAMPLES: tuple[str, ...] = (
    "Is this review good or bad?",
    "Is this comment positive or negative?",
    "How does this customer feel?",
    "Is the person who wrote this angry?",
    "What's the sentiment of this mail?",
    "Does that sound like a happy customer to you?",
    "Which of these departments should get this mail: billing, shipping, returns?",
    "Label this ticket as bug, feature request or question",
    "What is this article about: politics, sport or business?",
    "Which category does this complaint belong to?",
    "Sort this message into refund, delivery or technical problem",
    "Tag this text with whatever fits: urgent, complaint, praise, question",
    "Is this message spam?",
    "What does the writer want?",
    "What topic is this?",
    "What language is this?",
    "Classify the tone of the attached feedback",
    "Are they satisfied or not?",
    "Rate each review",
    "Rate each row",
    "Give the sentiment of each comment",
    "这条评论是好评还是差评？",
    "这位顾客的情绪怎么样？",
    "把这封邮件分到：账单、物流、退货",
    "¿Esta opinión es buena o mala?",
    "¿Cómo se siente este cliente?",
    "Clasifica este mensaje: facturación, envíos o devoluciones",
    "Cet avis est-il positif ou négatif ?",
    "Dans quelle catégorie mettre ce message : facture, livraison, retour ?",
    "Quel est le ton de ce courriel ?",
    "Ist diese Bewertung gut oder schlecht?",
    "Wie ist die Stimmung in dieser Nachricht?",
    "Ordne diese Mail ein: Rechnung, Versand oder Rückgabe",
    "Esta avaliação é boa ou ruim?",
    "Como este cliente se sente?",
    "Classifique esta mensagem: cobrança, entrega ou devolução",
    "このレビューは良い評価ですか、悪い評価ですか？",
    "このお客様はどんな気持ちですか？",
    "このメールを請求、配送、返品のどれかに分類して",
    "هل هذا التقييم إيجابي أم سلبي؟",
    "كيف يشعر هذا العميل؟",
    "صنّف هذه الرسالة: فواتير أو شحن أو إرجاع",
    "यह समीक्षा अच्छी है या बुरी?",
    "यह ग्राहक कैसा महसूस कर रहा है?",
    "इस ईमेल को वर्गीकृत करो: बिलिंग, डिलीवरी या वापसी",
)

TOPICS: tuple[str, ...] = (
    "politics", "business and economy", "sport", "technology", "science", "health",
    "entertainment", "travel", "food and cooking", "education", "crime and law", "environment",
    "shopping", "personal finance",
)  # fmt: skip

INTENTS: tuple[str, ...] = (
    "asking a question", "making a complaint", "requesting a refund", "returning a product",
    "placing an order", "cancelling something", "tracking a delivery", "changing account details",
    "reporting a technical problem", "giving praise", "greeting",
)  # fmt: skip

_POLARITIES: Mapping[str, str] = {
    "positive": "positive good happy pleased satisfied favorable pos 正面 积极 好评 好 positivo "
    "positiva bueno buena positif positive positiv gut bom boa ポジティブ 良い إيجابي ايجابي جيد "
    "सकारात्मक अच्छा अच्छी",
    "negative": "negative bad unhappy angry dissatisfied unfavorable neg 负面 消极 差评 坏 "
    "negativo negativa malo mala négatif négative negativ schlecht ruim mau má ネガティブ 悪い "
    "سلبي سيئ नकारात्मक बुरा बुरी",
    "neutral": "neutral neu neutro neutra neutre 中性 中立 ニュートラル محايد तटस्थ",
}
_POLARITY_OF = {word: name for name, words in _POLARITIES.items() for word in words.split()}

_SENTIMENT_NAMES: Mapping[str, Mapping[str, str]] = {
    "zh": {"positive": "正面", "negative": "负面", "neutral": "中性"},
    "es": {"positive": "positivo", "negative": "negativo", "neutral": "neutro"},
    "fr": {"positive": "positif", "negative": "négatif", "neutral": "neutre"},
    "de": {"positive": "positiv", "negative": "negativ", "neutral": "neutral"},
    "pt": {"positive": "positivo", "negative": "negativo", "neutral": "neutro"},
    "ja": {"positive": "ポジティブ", "negative": "ネガティブ", "neutral": "中立"},
}

# What weighed, then the abstention with the nearest label in {}.
_PHRASES: Mapping[str, tuple[str, str]] = {
    "en": ("What weighed most: {}.", "I can't tell for sure; the closest is {}."),
    "zh": ("最重要的词：{}。", "无法确定；最接近的是{}。"),
    "es": ("Lo que más pesó: {}.", "No puedo decirlo con seguridad; lo más cercano es {}."),
    "fr": ("Ce qui a le plus pesé : {}.", "Je ne peux pas trancher ; le plus proche est {}."),
    "de": ("Am meisten wog: {}.", "Das lässt sich nicht sicher sagen; am nächsten liegt {}."),
    "pt": ("O que mais pesou: {}.", "Não dá para ter certeza; o mais próximo é {}."),
    "ja": ("決め手になった語：{}。", "はっきりとは言えません。最も近いのは{}です。"),
}


def polarity_of(label: str) -> str | None:
    """The sentiment that a label is a word for, in any of the languages above."""
    return _POLARITY_OF.get(label.strip().lower())


def verdict(
    scores: Sequence[tuple[str, float]],
    chosen: Sequence[str],
    words: Sequence[str],
    *,
    task: str,
    language: str,
) -> str:
    """A short answer such as "**negative** (93 %). What weighed most: “broke”."

    Args:
        scores: labels with their probabilities, the likeliest first.
    """
    weighed, unsure = _PHRASES.get(language, _PHRASES["en"])

    def shown(label: str, score: float, mark: str = "**") -> str:
        name = _label_name(label, task, language)
        return f"{mark}{name}{mark} ({score * 100:.0f} %)"

    if not chosen:
        return unsure.format(shown(*scores[0], mark="")) if scores else unsure.format("–")
    picked = [shown(label, score) for label, score in scores if label in chosen]
    separator, stop = ("、", "。") if language in {"zh", "ja"} else (", ", ".")
    answer = separator.join(picked)
    if not words:
        return answer
    listed = separator.join(f"“{word}”" for word in words[:3])
    return f"{answer}{stop}{'' if stop == '。' else ' '}{weighed.format(listed)}"


def _label_name(label: str, task: str, language: str) -> str:
    if task == "language":
        return language_name(label, language)
    if task == "sentiment":
        return _SENTIMENT_NAMES.get(language, {}).get(label, label)
    return label
