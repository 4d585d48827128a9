"""The words of `detect_objects`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tools.object_counts import COUNTED, counted, joined, none_of

EXAMPLES: tuple[str, ...] = (
    "How many people are in this picture?",
    "Count the cars in the photo",
    "What objects can you see in this image?",
    "Is there a dog in this picture?",
    "Find all the bottles on the shelf",
    "Find the dog",
    "Find the car in it",
    "Draw boxes around the people",
    "Where is the bicycle in this photo?",
    "Are there any trucks in the yard?",
    "Detect the objects in the attached picture",
    "How many chairs are in this room?",
    "List the things in the photo and how many there are of each",
    "Is anybody in this picture?",
    "Is there a ladder in front of the house?",
    "Is there a crane on the building site?",
    "Mark every bird in this photo",
    "照片里有多少人？",
    "图中有几辆车？",
    "检测图片中的物体",
    "这张图片里有没有狗？",
    "¿Cuántas personas hay en la foto?",
    "Cuenta los coches de esta imagen",
    "¿Hay algún perro en la foto?",
    "Encuentra el perro",
    "Combien de personnes y a-t-il sur cette photo ?",
    "Compte les voitures sur l'image",
    "Quels objets vois-tu sur cette image ?",
    "Wie viele Leute sind auf dem Bild?",
    "Zähle die Autos auf dem Foto",
    "Finde den Hund",
    "Welche Gegenstände sind auf diesem Bild?",
    "Quantas pessoas há nesta foto?",
    "Conte os carros na imagem",
    "この写真に何人写っていますか？",
    "画像の中の車を数えて",
    "كم شخصًا في هذه الصورة؟",
    "عُدّ السيارات في الصورة",
    "इस तस्वीर में कितने लोग हैं?",
    "फ़ोटो में गाड़ियाँ गिनो",
)

TITLES: Mapping[str, str] = {
    "en": "Objects", "zh": "物体", "es": "Objetos", "fr": "Objets", "de": "Objekte",
    "pt": "Objetos", "ja": "物体", "ar": "الأشياء", "hi": "वस्तुएँ",
}  # fmt: skip


class _Phrases(NamedTuple):
    """How it is put: one thing, several, none of those asked for; the words in a list; nothing at
    all; and what can't be known."""

    one: str
    several: str
    none: str
    comma: str
    last: str
    either: str
    nothing: str
    unknown: str


_PHRASES: Mapping[str, _Phrases] = {
    "en": _Phrases(
        "There is {} in the picture.", "There are {} in the picture.", "I see no {} in it.",
        ", ", " and ", " or ",
        "I found none of the 80 kinds of things that I can recognise.",
        "I can't say anything about {}: it isn't among the 80 kinds of things that I can "
        "recognise. That doesn't mean that there is none.",
    ),
    "zh": _Phrases(
        "图中有 {}。", "图中有 {}。", "图中没有看到{}。",
        "、", "和 ", "或",
        "没有找到我能识别的 80 类物体。",
        "关于{}我无法判断：它不在我能识别的 80 类物体之中，并不表示图中没有。",
    ),
    "es": _Phrases(
        "Hay {} en la imagen.", "Hay {} en la imagen.", "No veo {} en ella.",
        ", ", " y ", " ni ",
        "No encontré ninguna de las 80 clases de cosas que sé reconocer.",
        "No puedo decir nada de {}: no está entre las 80 clases de cosas que sé reconocer. Eso no "
        "significa que no haya.",
    ),
    "fr": _Phrases(
        "Il y a {} sur l'image.", "Il y a {} sur l'image.", "Je n'y vois pas {}.",
        ", ", " et ", " ni ",
        "Je n'ai trouvé aucune des 80 sortes de choses que je sais reconnaître.",
        "Je ne peux rien dire de {} : cela ne fait pas partie des 80 sortes de choses que je sais "
        "reconnaître. Cela ne veut pas dire qu'il n'y en a pas.",
    ),
    "de": _Phrases(
        "Auf dem Bild ist {}.", "Auf dem Bild sind {}.", "Ich sehe darauf {}.",
        ", ", " und ", " und ",
        "Ich habe keine der 80 Arten von Dingen gefunden, die ich erkennen kann.",
        "Über {} kann ich nichts sagen: Das gehört nicht zu den 80 Arten von Dingen, die ich "
        "erkennen kann. Das heißt nicht, dass nichts da ist.",
    ),
    "pt": _Phrases(
        "Há {} na imagem.", "Há {} na imagem.", "Não vejo {} nela.",
        ", ", " e ", " nem ",
        "Não encontrei nenhum dos 80 tipos de coisas que sei reconhecer.",
        "Não posso dizer nada sobre {}: não está entre os 80 tipos de coisas que sei reconhecer. "
        "Isso não quer dizer que não haja.",
    ),
    "ja": _Phrases(
        "写真には{}写っています。", "写真には{}写っています。", "{}は写っていません。",
        "、", "、", "や",
        "認識できる80種類の物は見つかりませんでした。",
        "{}については何も言えません。認識できる80種類の物に含まれていないためで、写っていないという意味ではありません。",
    ),
    "ar": _Phrases(
        "أرى في الصورة {}.", "أرى في الصورة {}.", "لا أرى فيها أيًّا من {}.",
        "، و", " و", " أو ",
        "لم أجد أيًّا من أنواع الأشياء الثمانين التي أستطيع التعرّف عليها.",
        "لا أستطيع أن أقول شيئًا عن {}: فهو ليس من أنواع الأشياء الثمانين التي أستطيع التعرّف "
        "عليها. وهذا لا يعني أنه غير موجود.",
    ),
    "hi": _Phrases(
        "तस्वीर में {} है।", "तस्वीर में {} हैं।", "इसमें कोई {} नहीं है।",
        ", ", " और ", " या ",
        "मैं जिन 80 तरह की चीज़ों को पहचान सकता हूँ, उनमें से कोई नहीं मिली।",
        "{} के बारे में मैं कुछ नहीं कह सकता: यह उन 80 तरह की चीज़ों में नहीं है जिन्हें मैं पहचान "
        "सकता हूँ। इसका मतलब यह नहीं कि वह है ही नहीं।",
    ),
}  # fmt: skip


def report(counts: Mapping[str, int], unknown: Sequence[str], language: str) -> str:
    """What was found and what was not, in a sentence each, and what can't be known.

    Args:
        counts: how many of each label; 0 for one that was asked for and not found.
        unknown: things asked for that the detector has never learnt.
    """
    language = language if language in COUNTED else "en"
    say = _PHRASES[language]
    found = {label: count for label, count in counts.items() if count}
    missing = [none_of(label, language) for label, count in counts.items() if not count]
    sentences = []
    if found:
        things = [counted(label, count, language) for label, count in found.items()]
        is_one = list(found.values()) == [1]
        put = say.one if is_one else say.several
        sentences.append(put.format(joined(things, say.comma, say.last)))
    if missing:
        sentences.append(say.none.format(joined(missing, say.either, say.either)))
    parts = [("" if language in {"zh", "ja"} else " ").join(sentences)] if sentences else []
    if unknown:
        named = say.comma.join(f"“{word}”" for word in unknown)
        parts.append(say.unknown.format(named))
    return "\n\n".join(parts) or say.nothing
