"""The words of `search_images`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: tuple[str, ...] = (
    "Which of ours is this?",
    "Which of our products is this?",
    "Do we sell this one?",
    "Find this picture among ours",
    "Which item in our catalogue looks like this photo?",
    "Is this one of our products?",
    "Have we got a picture that looks like this?",
    "Find the most similar of our pictures",
    "Which article from our range is in the photo?",
    "Look this photo up in our picture collection",
    "What is the name of this in our catalogue?",
    "Search our images for one like this",
    "这是我们的哪一款产品？",
    "这是我们的哪一个？",
    "在我们的图片库里找相似的图片",
    "¿Cuál de los nuestros es este?",
    "¿Cuál de nuestros productos es este?",
    "Busca en nuestro catálogo una imagen parecida",
    "C'est lequel des nôtres ?",
    "Lequel de nos produits est-ce ?",
    "Cherche dans notre catalogue une image semblable",
    "Welches von unseren ist das?",
    "Welches unserer Produkte ist das?",
    "Suche in unserem Katalog ein ähnliches Bild",
    "Qual dos nossos é este?",
    "Qual dos nossos produtos é este?",
    "Procure no nosso catálogo uma imagem parecida",
    "これはうちのどれですか？",
    "これは当社のどの商品ですか？",
    "うちの画像の中から似ているものを探して",
    "أيٌّ من منتجاتنا هذا؟",
    "أي واحد من عندنا هذا؟",
    "ابحث في صورنا عن صورة مشابهة",
    "यह हमारा कौन सा है?",
    "यह हमारे उत्पादों में से कौन सा है?",
    "हमारी तस्वीरों में इससे मिलती-जुलती तस्वीर ढूँढो",
)

TITLES: Mapping[str, str] = {
    "en": "Among ours", "zh": "我们的图片", "es": "Entre los nuestros", "fr": "Parmi les nôtres",
    "de": "Unter unseren", "pt": "Entre os nossos", "ja": "登録済みの画像",
    "ar": "من بين صورنا", "hi": "हमारी तस्वीरों में",
}  # fmt: skip

# The best match; what else is like it; and that there is none.
_PHRASES: Mapping[str, tuple[str, str, str]] = {
    "en": ("It looks like {}.", "Also alike: {}.", "None of ours looks like this."),
    "zh": ("看起来是{}。", "也相似：{}。", "我们的图片里没有与它相像的。"),
    "es": ("Parece {}.", "También se parecen: {}.", "Ninguno de los nuestros se parece a este."),
    "fr": ("Cela ressemble à {}.", "Ressemblent aussi : {}.",
           "Aucun des nôtres ne ressemble à cela."),
    "de": ("Es sieht aus wie {}.", "Auch ähnlich: {}.", "Keines von unseren sieht so aus."),
    "pt": ("Parece {}.", "Também parecidos: {}.", "Nenhum dos nossos se parece com este."),
    "ja": ("{}のようです。",
           "ほかに似ているもの：{}。",
           "登録済みの画像に似ているものはありません。"),
    "ar": ("يبدو أنه {}.", "ويشبهه أيضًا: {}.", "لا شيء مما لدينا يشبه هذا."),
    "hi": ("यह {} जैसा दिखता है।", "ये भी मिलते-जुलते हैं: {}।",
           "हमारी कोई तस्वीर इससे नहीं मिलती।"),
}  # fmt: skip


def report(matches: Sequence[tuple[str, float]], language: str) -> str:
    """A short answer such as "It looks like **blue mug** (83 %)."

    Args:
        matches: titles with how alike they are, 0 to 1, the likest first.
    """
    best, others, none = _PHRASES.get(language, _PHRASES["en"])
    if not matches:
        return none
    separator = "、" if language in {"zh", "ja"} else ", "
    titles = [f"{title} ({score * 100:.0f} %)" for title, score in matches]
    first = best.format(f"**{matches[0][0]}** ({matches[0][1] * 100:.0f} %)")
    return f"{first} {others.format(separator.join(titles[1:]))}" if titles[1:] else first
