"""The words of `describe_image`: how people ask for it, and how a description is assembled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tools.object_names import object_name

EXAMPLES: tuple[str, ...] = (
    "Describe this picture",
    "What is in this image?",
    "What do you see in the photo?",
    "Write a caption for this picture",
    "Give me an alt text for this image",
    "Tell me what this photo shows",
    "What's happening in this picture?",
    "What is going on in the attached photo?",
    "Summarise what is visible here",
    "What is this a picture of?",
    "描述这张图片",
    "图片里有什么？",
    "给这张照片写个说明",
    "Describe esta imagen",
    "¿Qué se ve en la foto?",
    "Escribe un pie de foto",
    "Décris cette image",
    "Que voit-on sur cette photo ?",
    "Écris une légende pour cette image",
    "Beschreibe dieses Bild",
    "Was ist auf dem Foto zu sehen?",
    "Schreib einen Alternativtext für das Bild",
    "Descreva esta imagem",
    "O que aparece nesta foto?",
    "この画像を説明して",
    "この写真には何が写っていますか？",
    "صف هذه الصورة",
    "ماذا يوجد في هذه الصورة؟",
    "इस तस्वीर का वर्णन करो",
    "इस फ़ोटो में क्या है?",
)

TITLES: Mapping[str, str] = {
    "en": "Description", "zh": "描述", "es": "Descripción", "fr": "Description",
    "de": "Beschreibung", "pt": "Descrição", "ja": "説明",
}  # fmt: skip

_DESCRIPTION = re.compile(
    r"descri|décri|beschreib|caption|alt[- ]?text|alternativtext|légende|bildunterschrift|"
    r"pie de foto|legenda|描述|说明|説明|صف|वर्णन|"
    r"what(?:'s| is| are| do you see| can you see| does)? (?:there )?(?:in|on|visible|shown|"
    r"happening|going on|this (?:a )?(?:picture|photo|image)|(?:this|the) (?:picture|photo|image) "
    r"show)|what do you see|what can you see|what (?:this|the) (?:picture|photo|image) shows|"
    r"what is this a (?:picture|photo)|summari[sz]e what|"
    r"(?:图|照片)\w*[里中上](?:都)?有(?:些)?什么|qué (?:se ve|hay|aparece|muestra)|"
    r"que (?:voit-on|vois-tu|montre)|qu'est-ce qu'(?:on voit|il y a)|was (?:ist|sieht man|siehst|"
    r"zeigt)|o que (?:aparece|se vê|há|mostra)|何が(?:写|見え|あり)|ماذا يوجد|क्या (?:है|दिख)",
    re.IGNORECASE,
)


class _Phrases(NamedTuple):
    """How a description is put: the whole's label, the things, the text, nothing, and its mark."""

    whole: str
    things: str
    text: str
    nothing: str
    mark: str


_PHRASES: Mapping[str, _Phrases] = {
    "en": _Phrases("It looks like a picture of: {}.", "In it: {}.", "The text on it reads: “{}”.",
                   "Nothing in it was recognised.",
                   "Assembled from what was recognised, not written by someone who sees."),
    "zh": _Phrases("看起来是：{}。", "其中有：{}。", "图上的文字：“{}”。", "没有识别出任何内容。",
                   "由识别结果拼接而成，并非看图撰写。"),
    "es": _Phrases("Parece una imagen de: {}.", "Se ve: {}.", "El texto dice: «{}».",
                   "No se reconoció nada en ella.",
                   "Compuesto con lo reconocido, no escrito por alguien que ve."),
    "fr": _Phrases("On dirait une image de : {}.", "On y trouve : {}.", "Le texte dit : « {} ».",
                   "Rien n'y a été reconnu.",
                   "Assemblé d'après ce qui a été reconnu, non écrit par quelqu'un qui voit."),
    "de": _Phrases("Es sieht aus wie ein Bild von: {}.", "Darauf: {}.", "Der Text lautet: „{}“.",
                   "Nichts darauf wurde erkannt.",
                   "Aus dem Erkannten zusammengesetzt, nicht von jemandem geschrieben, der sieht."),
    "pt": _Phrases("Parece uma imagem de: {}.", "Nela há: {}.", "O texto diz: “{}”.",
                   "Nada nela foi reconhecido.",
                   "Montado a partir do que foi reconhecido, não escrito por alguém que vê."),
    "ja": _Phrases("{}の画像のようです。", "写っているもの：{}。", "書かれている文字：「{}」。",
                   "認識できたものはありません。",
                   "認識結果を組み合わせたもので、見て書いたものではありません。"),
}  # fmt: skip
_MOST_TEXT_CHARS = 600


def asks_for_a_description(question: str) -> bool:
    """Whether no more is asked than what is to be seen."""
    return _DESCRIPTION.search(question) is not None


def assemble(label: str | None, counts: Mapping[str, int], text: str, language: str) -> str:
    """A description of what was recognised, marked as assembled.

    Args:
        label: what the picture shows as a whole, in English; None where that is not sure.
        counts: how many of each thing.
        text: what is written on it.
    """
    phrases = _PHRASES.get(language, _PHRASES["en"])
    separator = "、" if language in {"zh", "ja"} else ", "
    parts = [phrases.whole.format(label)] if label else []
    if counts:
        things = [f"{count} × {object_name(name, language)}" for name, count in counts.items()]
        parts.append(phrases.things.format(separator.join(things)))
    if text:
        shown = " / ".join(text.splitlines())
        cut = shown if len(shown) <= _MOST_TEXT_CHARS else shown[:_MOST_TEXT_CHARS] + "…"
        parts.append(phrases.text.format(cut))
    joint = ("" if language in {"zh", "ja"} else " ").join(parts or [phrases.nothing])
    return f"{joint}\n\n_{phrases.mark}_"
