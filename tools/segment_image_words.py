"""The words of `segment_image`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.object_names import object_name

EXAMPLES: tuple[str, ...] = (
    "Cut the person out",
    "Remove the background of this photo",
    "Make a mask of the dog",
    "Give me the car without the background",
    "Segment the people in this picture",
    "Cut out the bottle as a transparent PNG",
    "Isolate the person in the attached image",
    "How much of the picture does the person take up?",
    "Separate the foreground from the background",
    "Make the background transparent",
    "Extract the cat from this photo",
    "把人物抠出来",
    "去掉照片的背景",
    "给图中的狗做一个蒙版",
    "Recorta a la persona",
    "Quita el fondo de esta foto",
    "Haz una máscara del perro",
    "Détoure la personne",
    "Supprime l'arrière-plan de cette photo",
    "Fais un masque de la voiture",
    "Schneide die Person aus",
    "Entferne den Hintergrund von diesem Foto",
    "Stelle das Auto frei",
    "Recorte a pessoa da foto",
    "Remova o fundo desta imagem",
    "人物を切り抜いて",
    "この写真の背景を消して",
    "قص الشخص من الصورة",
    "أزل خلفية هذه الصورة",
    "तस्वीर से व्यक्ति को काटकर निकालो",
    "इस फ़ोटो का बैकग्राउंड हटाओ",
)

TITLES: Mapping[str, str] = {
    "en": "Cut-out", "zh": "抠图", "es": "Recorte", "fr": "Détourage", "de": "Freisteller",
    "pt": "Recorte", "ja": "切り抜き",
}  # fmt: skip

# A thing and its share of the picture; by colours; by nothing but its box.
_PHRASES: Mapping[str, tuple[str, str, str]] = {
    "en": ("**{}**: {:.0%} of the picture", "approximate: drawn by its colours",
           "only its box: it doesn't stand out"),
    "zh": ("**{}**：占图片的 {:.0%}", "近似：按颜色勾勒", "仅为外框：与周围难以区分"),
    "es": ("**{}**: {:.0%} de la imagen", "aproximado: trazado por sus colores",
           "solo su recuadro: no destaca"),
    "fr": ("**{}** : {:.0%} de l'image", "approximatif : tracé d'après les couleurs",
           "son cadre seulement : il ne se distingue pas"),
    "de": ("**{}**: {:.0%} des Bildes", "ungefähr: nach den Farben gezeichnet",
           "nur der Kasten: es hebt sich nicht ab"),
    "pt": ("**{}**: {:.0%} da imagem", "aproximado: traçado pelas cores",
           "só a caixa: não se destaca"),
    "ja": ("**{}**：画像の{:.0%}", "おおよそ：色で切り分けました", "枠のみ：周囲と区別できません"),
}  # fmt: skip


def report(masks: Sequence[tuple[str, float, str]], language: str) -> str:
    """What was cut out, a line each.

    Args:
        masks: label, share of the picture from 0 to 1, and method.
    """
    line, colours, box = _PHRASES.get(language, _PHRASES["en"])
    remarks = {"colours": f" ({colours})", "box": f" ({box})"}
    return "\n".join(
        f"- {line.format(object_name(label, language), share)}{remarks.get(method, '')}"
        for label, share, method in masks
    )
