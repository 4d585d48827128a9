"""The words of `analyze_video`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tools.object_names import object_name

EXAMPLES: tuple[str, ...] = (
    "Find moments where something unusual happens, with a timeline",
    "What happens in this video?",
    "How many people walk through this clip?",
    "When does the car appear in the video?",
    "Make a timeline of this video",
    "Where are the cuts in this clip?",
    "Split the video into its scenes",
    "Count the people over time in this recording of the camera",
    "Is there anything strange in the surveillance footage?",
    "Give me key frames of this video",
    "Track the people in the video",
    "When does somebody enter the room?",
    "找出视频里异常的时刻，并给出时间线",
    "这个视频里发生了什么？",
    "视频里有多少人走过？",
    "Encuentra los momentos raros del vídeo y haz una línea de tiempo",
    "¿Qué pasa en este vídeo?",
    "¿Cuántas personas pasan en el vídeo?",
    "Trouve les moments inhabituels de cette vidéo, avec une chronologie",
    "Que se passe-t-il dans cette vidéo ?",
    "Combien de personnes passent dans la vidéo ?",
    "Finde ungewöhnliche Momente im Video, mit einer Zeitleiste",
    "Was passiert in diesem Video?",
    "Wann kommt jemand ins Bild?",
    "Encontre momentos estranhos no vídeo, com uma linha do tempo",
    "O que acontece neste vídeo?",
    "この動画で何が起きていますか？",
    "動画の中で変わったことが起きる場面を見つけて",
    "ماذا يحدث في هذا الفيديو؟",
    "इस वीडियो में क्या हो रहा है?",
)

TITLES: Mapping[str, str] = {
    "en": "Video", "zh": "视频", "es": "Vídeo", "fr": "Vidéo", "de": "Video", "pt": "Vídeo",
    "ja": "動画",
}  # fmt: skip


class _Phrases(NamedTuple):
    """Length and shots; length alone; things that came; nobody; what is done;
    unusual moments; none; unknown."""

    shots: str
    length: str
    came: str
    nothing: str
    done: str
    unusual: str
    usual: str
    unknown: str
    at_once: str
    reasons: Mapping[str, str]


def _reasons(*names: str) -> Mapping[str, str]:
    return dict(zip(("motion", "brightness", "count", "appearance"), names, strict=True))


_PHRASES: Mapping[str, _Phrases] = {
    "en": _Phrases(
        "The video lasts {} and has {} shots.", "The video lasts {}.", "Seen in it: {}.",
        "Nothing that I can recognise was seen in it for longer than a moment.",
        "What is being done: {}.",
        "Unusual for this video: {}.", "Nothing stands out from the rest of it.",
        "I can't say anything about {}: I haven't learnt to recognise it.", "at most {} at once",
        _reasons("much or little motion", "light", "number of things", "look of the picture"),
    ),
    "zh": _Phrases(
        "视频长 {}，共 {} 个镜头。", "视频长 {}。", "其中出现：{}。",
        "没有看到我能识别并持续出现的东西。",
        "正在做的事：{}。",
        "对该视频而言不寻常：{}。", "没有哪个时刻与其余部分明显不同。",
        "关于{}我无法判断：我没有学过识别它。", "同时最多 {}",
        _reasons("运动", "亮度", "物体数量", "画面样貌"),
    ),
    "es": _Phrases(
        "El vídeo dura {} y tiene {} planos.", "El vídeo dura {}.", "Se ve: {}.",
        "No se vio nada reconocible durante más de un instante.",
        "Lo que se hace: {}.",
        "Inusual para este vídeo: {}.", "Nada destaca del resto.",
        "No puedo decir nada de {}: no he aprendido a reconocerlo.", "como mucho {} a la vez",
        _reasons("movimiento", "luz", "número de cosas", "aspecto de la imagen"),
    ),
    "fr": _Phrases(
        "La vidéo dure {} et compte {} plans.", "La vidéo dure {}.", "On y voit : {}.",
        "Rien de reconnaissable n'y a été vu plus d'un instant.",
        "Ce qui s'y fait : {}.",
        "Inhabituel pour cette vidéo : {}.", "Rien ne se détache du reste.",
        "Je ne peux rien dire de {} : je n'ai pas appris à le reconnaître.", "au plus {} à la fois",
        _reasons("mouvement", "lumière", "nombre de choses", "aspect de l'image"),
    ),
    "de": _Phrases(
        "Das Video dauert {} und hat {} Einstellungen.", "Das Video dauert {}.",
        "Zu sehen sind: {}.", "Nichts Erkennbares war länger als einen Augenblick zu sehen.",
        "Was getan wird: {}.",
        "Ungewöhnlich für dieses Video: {}.", "Nichts hebt sich vom Rest ab.",
        "Über {} kann ich nichts sagen: Das habe ich nicht zu erkennen gelernt.",
        "höchstens {} zugleich",
        _reasons("Bewegung", "Licht", "Zahl der Dinge", "Aussehen des Bildes"),
    ),
    "pt": _Phrases(
        "O vídeo dura {} e tem {} planos.", "O vídeo dura {}.", "Nele aparecem: {}.",
        "Nada reconhecível foi visto por mais de um instante.",
        "O que se faz: {}.",
        "Incomum para este vídeo: {}.", "Nada se destaca do resto.",
        "Não posso dizer nada sobre {}: não aprendi a reconhecer isso.", "no máximo {} de uma vez",
        _reasons("movimento", "luz", "número de coisas", "aspecto da imagem"),
    ),
    "ja": _Phrases(
        "動画の長さは{}、ショットは{}個です。", "動画の長さは{}です。", "写っているもの：{}。",
        "認識できるものが続けて写っている場面はありませんでした。",
        "していること：{}。",
        "この動画としては変わった場面：{}。", "ほかと大きく違う場面はありません。",
        "{}については何も言えません。認識することを学んでいません。", "同時に最大{}",
        _reasons("動き", "明るさ", "物の数", "画面の様子"),
    ),
}  # fmt: skip
_MOST_LISTED = 12


def clock(time_s: float) -> str:
    """Minutes and seconds, such as 1:04.5."""
    tenths = round(time_s * 10)
    return f"{tenths // 600}:{tenths % 600 // 10:02d}.{tenths % 10}"


def summary(
    *,
    duration_s: float,
    shots: int | None,
    entries: Mapping[str, int],
    most: Mapping[str, int],
    actions: Sequence[tuple[float, str, float]],
    unusual: Sequence[tuple[float, float, Sequence[str]]],
    unknown: Sequence[str],
    language: str,
) -> str:
    """What happens in a video, in a few lines of Markdown.

    Args:
        shots: how many; None where they were not looked for.
        entries: how many things of each label came into view.
        most: how many of each were seen at once.
        actions: when, in seconds, what is done, in English, and how likely that is.
        unusual: from when to when, in seconds, and in what.
        unknown: what was asked for and can't be recognised.
    """
    phrases = _PHRASES.get(language, _PHRASES["en"])
    separator = "、" if language in {"zh", "ja"} else ", "
    length = clock(duration_s)
    lines = [
        phrases.length.format(length) if shots is None else phrases.shots.format(length, shots)
    ]
    if entries:
        ranked = sorted(entries.items(), key=lambda item: -item[1])[:_MOST_LISTED]
        things = [
            f"{count} × {object_name(label, language)} ({phrases.at_once.format(most[label])})"
            for label, count in ranked
        ]
        lines.append(phrases.came.format(separator.join(things)))
    elif not unknown:
        lines.append(phrases.nothing)
    if actions:
        told = [f"{what} ({clock(at)}, {score * 100:.0f} %)" for at, what, score in actions]
        lines.append(phrases.done.format(separator.join(told[:_MOST_LISTED])))
    if unusual:
        listed = [
            f"**{clock(start)}–{clock(end)}** ({separator.join(phrases.reasons[r] for r in why)})"
            for start, end, why in unusual[:_MOST_LISTED]
        ]
        lines.append(phrases.unusual.format(separator.join(listed)))
    else:
        lines.append(phrases.usual)
    if unknown:
        named = separator.join(f"“{word}”" for word in unknown)
        lines.append(phrases.unknown.format(named))
    return "\n\n".join(lines)
