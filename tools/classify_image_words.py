"""The words of `classify_image`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: tuple[str, ...] = (
    "What kind of animal is this?",
    "What breed is the dog in this photo?",
    "Classify this image",
    "What is the main thing in this picture?",
    "Which category does this product photo belong to?",
    "Is this a picture of a shoe, a bag or a watch?",
    "Sort this photo: damaged or fine?",
    "Name the thing in the attached image",
    "What plant is this?",
    "Identify what is on this photo",
    "What sort of food is in the picture?",
    "Label this picture as beach, mountain or city",
    "Tell me its breed",
    "What make and model is it?",
    "这是什么动物？",
    "给这张图片分类",
    "照片上的是什么东西？",
    "¿Qué animal es este?",
    "Clasifica esta imagen",
    "¿De qué raza es este perro?",
    "Dime su raza",
    "Quel est cet animal ?",
    "Classe cette image",
    "De quelle race est ce chien ?",
    "Was für ein Tier ist das?",
    "Klassifiziere dieses Bild",
    "Welche Hunderasse ist das?",
    "Sag mir die Rasse",
    "Que animal é este?",
    "Classifique esta imagem",
    "これは何の動物ですか？",
    "この画像を分類して",
    "ما هذا الحيوان؟",
    "صنّف هذه الصورة",
    "यह कौन सा जानवर है?",
    "इस तस्वीर को वर्गीकृत करो",
)

TITLES: Mapping[str, str] = {
    "en": "What the picture shows", "zh": "图片内容", "es": "Lo que muestra la imagen",
    "fr": "Ce que montre l'image", "de": "Was das Bild zeigt", "pt": "O que a imagem mostra",
    "ja": "画像の内容",
}  # fmt: skip

# The answer; the abstention; and that only the names were compared.
_PHRASES: Mapping[str, tuple[str, str, str]] = {
    "en": ("{}.", "I can't tell for sure; the closest is {}.",
           "Compared by the labels' names alone; with example pictures I would be surer."),
    "zh": ("{}。", "无法确定；最接近的是{}。", "仅按标签名称比较；提供示例图片会更可靠。"),
    "es": ("{}.", "No puedo decirlo con seguridad; lo más cercano es {}.",
           "Comparado solo por los nombres; con imágenes de ejemplo sería más seguro."),
    "fr": ("{}.", "Je ne peux pas trancher ; le plus proche est {}.",
           "Comparé par les noms seulement ; des images d'exemple seraient plus sûres."),
    "de": ("{}.", "Das lässt sich nicht sicher sagen; am nächsten liegt {}.",
           "Nur nach den Namen verglichen; mit Beispielbildern wäre es sicherer."),
    "pt": ("{}.", "Não dá para ter certeza; o mais próximo é {}.",
           "Comparado só pelo nome dos rótulos; com imagens de exemplo seria mais seguro."),
    "ja": ("{}。", "はっきりとは言えません。最も近いのは{}です。",
           "ラベルの名前だけで比べました。見本の画像があればより確かです。"),
}  # fmt: skip


def verdict(
    scores: Sequence[tuple[str, float]], *, abstained: bool, method: str, language: str
) -> str:
    """A short answer such as "**zebra** (87 %), Arabian camel (3 %)."

    Args:
        scores: labels with their probabilities, the likeliest first.
    """
    sure, unsure, by_name = _PHRASES.get(language, _PHRASES["en"])
    if abstained:
        answer = unsure.format(f"{scores[0][0]} ({scores[0][1] * 100:.0f} %)")
    else:
        separator = "、" if language in {"zh", "ja"} else ", "
        shown = [f"{label} ({score * 100:.0f} %)" for label, score in scores[1:3] if score >= 0.05]
        best = f"**{scores[0][0]}** ({scores[0][1] * 100:.0f} %)"
        answer = sure.format(separator.join([best, *shown]))
    return f"{answer} {by_name}" if method == "label names" else answer
