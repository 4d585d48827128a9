"""The words of `detect_objects`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.object_names import object_name

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
    "pt": "Objetos", "ja": "物体",
}  # fmt: skip

# Nothing found; things that can't be known, with their names in {}.
_PHRASES: Mapping[str, tuple[str, str]] = {
    "en": (
        "I found none of the 80 kinds of things that I can recognise.",
        "I can't say anything about {}: it isn't among the 80 kinds of things that I can "
        "recognise. That doesn't mean that there is none.",
    ),
    "zh": (
        "没有找到我能识别的 80 类物体。",
        "关于{}我无法判断：它不在我能识别的 80 类物体之中，并不表示图中没有。",
    ),
    "es": (
        "No encontré ninguna de las 80 clases de cosas que sé reconocer.",
        "No puedo decir nada de {}: no está entre las 80 clases de cosas que sé reconocer. Eso no "
        "significa que no haya.",
    ),
    "fr": (
        "Je n'ai trouvé aucune des 80 sortes de choses que je sais reconnaître.",
        "Je ne peux rien dire de {} : cela ne fait pas partie des 80 sortes de choses que je sais "
        "reconnaître. Cela ne veut pas dire qu'il n'y en a pas.",
    ),
    "de": (
        "Ich habe keine der 80 Arten von Dingen gefunden, die ich erkennen kann.",
        "Über {} kann ich nichts sagen: Das gehört nicht zu den 80 Arten von Dingen, die ich "
        "erkennen kann. Das heißt nicht, dass nichts da ist.",
    ),
    "pt": (
        "Não encontrei nenhum dos 80 tipos de coisas que sei reconhecer.",
        "Não posso dizer nada sobre {}: não está entre os 80 tipos de coisas que sei reconhecer. "
        "Isso não quer dizer que não haja.",
    ),
    "ja": (
        "認識できる80種類の物は見つかりませんでした。",
        "{}については何も言えません。認識できる80種類の物に含まれていないためで、写っていないという意味ではありません。",
    ),
}  # fmt: skip


def report(counts: Mapping[str, int], unknown: Sequence[str], language: str) -> str:
    """What was found, as a list of kinds with their numbers, and what can't be known.

    Args:
        counts: how many of each label; 0 for one that was asked for and not found.
        unknown: things asked for that the detector has never learnt.
    """
    nothing, cannot = _PHRASES.get(language, _PHRASES["en"])
    lines = [f"- **{object_name(label, language)}**: {count}" for label, count in counts.items()]
    parts = ["\n".join(lines)] if lines else []
    if unknown:
        separator = "、" if language in {"zh", "ja"} else ", "
        parts.append(cannot.format(separator.join(f"“{word}”" for word in unknown)))
    return "\n\n".join(parts) or nothing
