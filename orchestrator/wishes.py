"""Reads a request: its wishes with the router's scores, and the text that they are about."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from model_servers.languages import identify
from orchestrator.arguments import label_list, only_answer_language
from orchestrator.clauses import COMMANDS, STARTERS, Clause, part, points, split_clauses
from orchestrator.plan import fits, missing_media, reachable
from orchestrator.router import Router, Scores
from tools.contracts import Kind
from tools.registry import Registry

TEXT_INPUT = "text"
"""Name of the input that holds the text a request is about: `input:text`."""
PREVIOUS_INPUT = "previous"
"""Name of the input that holds the answer before this turn: `input:previous`."""

MAX_CLAUSES = 8
_SURE = 0.5
_RATHER_SURE = 0.7
_VERY_SURE = 0.9
_LEAST_LEFT = 0.5

PRODUCT_WORDS: Mapping[str, str] = {
    "translate_text": r"translations?|translated|übersetzung|traduc\w+|traduç\w+|traductions?|译文|"
    r"翻译(?:后|好)|訳文|الترجمة|अनुवाद",
    "summarize_text": r"summar(?:y|ies)|zusammenfassung|résumé|resumen|resumo|摘要|总结(?:后|好)|"
    r"要約文|الملخص|सारांश",
    "answer_question": r"(?:the|your) (?:answer|reply)|die antwort|la réponse|la respuesta|"
    r"a resposta|答案|回答|الجواب",
    "transcribe_audio": r"transcript(?:ion)?|abschrift|transcripción|transcrição|文字稿|文字起こし",
}
"""How people call what a tool made when they ask for more of it."""

_THE_PRODUCT = re.compile(
    r"(?:\b(?:the|that|this|your|its|die|der|das|la|el|le|l'|o|a)\s+|(?<![^\W_]))"
    rf"(?:{'|'.join(PRODUCT_WORDS.values())})",
    re.IGNORECASE,
)

MEDIA_WORDS = re.compile(
    r"\b(?:pictures?|photos?|photographs?|images?|screenshots?|scans?|snapshots?|recordings?|"
    r"voice (?:note|message|mail)s?|voicemails?|audios?|videos?|clips?|footage|films?|movies?|"
    r"bild(?:er)?|fotos?|aufnahmen?|sprachnachricht\w*|imágen(?:es)?|imagen|grabación|vídeos?|"
    r"enregistrements?|vidéos?|imagem|imagens|gravação|gravações)\b"
    r"|图片|照片|图像|截图|录音|语音|视频|写真|画像|録音|動画|صورة|الصورة|تسجيل|فيديو|तस्वीर|फोटो|रिकॉर्डिंग|वीडियो",
    re.IGNORECASE,
)
"""How people call a picture, a recording or a video."""

FILE_WORDS = re.compile(
    r"\b(?:files?|documents?|attach\w*|contract|pdf|docx?|letter|report|page|datei\w*|dokument\w*|"
    r"vertrag\w*|anhang|fichier|contrat|pièce jointe|archivo|contrato|documento|adjunto|anexo|"
    r"arquivo)\b|文件|合同|附件|文档|書類|契約|添付|ملف|عقد|फ़ाइल|अनुबंध",
    re.IGNORECASE,
)

_NEGATED = re.compile(
    rf"(?:no|kein\w*|ohne|sans|(?:surtout )?pas de|sin|sem|nada de)\s+"
    rf"(?:{'|'.join(PRODUCT_WORDS.values())})|"
    r"(?:please\s+)?(?:do not|don['’]t|no need to|never|without|instead of|nicht|kein|ne\s|n'|"
    r"pas besoin|no\s+(?:lo|la|me|hace|hay|trad)|não|别|不要|不用|无需|لا\s)",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"(?:\btranslate|\bsay|\bwrite|\bput|\bsagt man|\bübersetze|\bdit-on|\btraduis|\bse dice|"
    r"\btraduce|\bse diz|\btraduza)\s+(?:the (?:word|phrase|sentence)\s+)?(?P<object>.+?)\s+"
    r"(?:\b(?:in|into|to|auf|ins|en|al|para|em)\b)\s+\S+[.?!]*$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Wish:
    """A clause with what is known of it."""

    clause: Clause
    scores: Scores
    language: str | None = None
    labels: list[str] = field(default_factory=list)

    @property
    def best(self) -> str:
        return _best(self.scores)[0]

    @property
    def confidence(self) -> float:
        return self.scores[self.best]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads requests for one set of tools."""

    registry: Registry
    router: Router

    async def read(
        self, request: str, payload: str | None, kinds: Mapping[str, Kind], language: str
    ) -> tuple[list[Wish], str | None]:
        """The wishes and the payload; a `payload` that the caller knows is taken as it is."""
        wishes, payload = await self._read(request, payload, kinds, language)
        best = [self.registry[wish.best] for wish in wishes if wish.best in self.registry]
        offered = reachable(best, _files(kinds))
        return [self._without_media(wish, offered) for wish in wishes], payload

    async def _read(
        self, request: str, payload: str | None, kinds: Mapping[str, Kind], language: str
    ) -> tuple[list[Wish], str | None]:
        if payload is not None:
            return await self._wishes(split_clauses(request), language), payload
        parted = part(request)
        if parted.payload is not None:
            wishes = await self._wishes(split_clauses(parted.instruction), language)
            if self._takes_payload(wishes, parted.instruction, parted.mark == "quotes"):
                return self._with_labels(wishes, parted.payload, kinds)
        wishes = await self._wishes(split_clauses(request), language)
        wishes, payload = self._implied_payload(request, wishes, kinds)
        if payload is None and len(wishes) == 1 and works_on_text(self.registry, wishes[0].best):
            payload = _spoken_object(wishes[0].clause.text)
        if payload is None and not any(fits(kind, "text") for kind in _files(kinds)):
            wishes = [self._without_text(wish) for wish in wishes]
        return wishes, payload

    async def _wishes(self, clauses: Sequence[Clause], language: str) -> list[Wish]:
        """Scored clauses; "answer in German" is folded into the clause before it."""
        negated = [clause for clause in clauses if _NEGATED.match(clause.text)]
        kept = [clause for clause in clauses if clause not in negated] or list(clauses)
        spoken: list[tuple[Clause, str | None]] = []
        for clause in kept:
            code = only_answer_language(clause.text) if spoken else None
            if code is not None and not points(clause.text):
                spoken[-1] = (spoken[-1][0], code)
            else:
                spoken.append((clause, None))
        if len(spoken) > MAX_CLAUSES:
            # A long text: only its ends can hold what is asked.
            spoken = [*spoken[: MAX_CLAUSES - 2], *spoken[-2:]]
        texts = [clause.text for clause, _ in spoken]
        # "translate the summary": the name of what is there must not sway the score.
        texts[1:] = [_THE_PRODUCT.sub("it", text) for text in texts[1:]]
        refusals = negated[:MAX_CLAUSES] if len(kept) > 1 else []
        against = [_affirmed(clause.text) for clause in refusals]
        scores = await self.router.score([*texts, *against], language=language)
        refused = {
            best
            for best, score in map(_best, scores[len(texts) :])
            if score >= _SURE and works_on_text(self.registry, best)
        }
        wishes = [
            Wish(clause, score, code) for (clause, code), score in zip(spoken, scores, strict=False)
        ]
        # "No translation! I can read German." speaks of what is not wanted.
        return [wish for wish in wishes if wish.best not in refused] or wishes

    def _takes_payload(self, wishes: Sequence[Wish], instruction: str, quoted: bool) -> bool:
        if any(works_on_text(self.registry, w.best) and w.confidence >= _SURE for w in wishes):
            return True
        takes_text = any(
            w.best in self.registry and "text" in self.registry[w.best].slots().values()
            for w in wishes
        )
        return takes_text and points(instruction) and not quoted

    def _with_labels(
        self, wishes: list[Wish], payload: str, kinds: Mapping[str, Kind]
    ) -> tuple[list[Wish], str | None]:
        """Take a list of labels off the payload's head, as in "which one: a, b or c? <text>"."""
        takers = [w for w in wishes if has_field(self.registry, w.best, "labels")]
        listed = label_list(payload) if takers else None
        if listed is None or not (listed[1] or kinds):
            return wishes, payload
        takers[-1].labels = listed[0]
        rest = re.sub(r"^(?:text|message|mail|review|文本)\s*[:：]\s*", "", listed[1], flags=re.I)
        return wishes, rest or None

    def _implied_payload(
        self, request: str, wishes: list[Wish], kinds: Mapping[str, Kind]
    ) -> tuple[list[Wish], str | None]:
        """Tell wishes from the text they are about, where nothing but the words does.

        "Is this good or bad? The zip broke." has its wish first, "The zip broke. Good or bad?"
        last. With a file to work on, a sentence more is no payload.
        """
        if len(wishes) < 2 or any(fits(kind, "text") for kind in _files(kinds)):
            return wishes, None
        commands = [self._is_command(wish) for wish in wishes]
        lead = commands.index(False) if False in commands else len(commands)
        if 0 < lead < len(wishes):
            tail = 1 if commands[-1] and points(wishes[-1].clause.text) else 0
            rest = _between(request, wishes[lead], wishes[-1] if tail else None)
            if _is_text(rest):
                return [*wishes[:lead], *wishes[len(wishes) - tail :]], rest
        if lead == 0 and commands[-1] and points(wishes[-1].clause.text) and not kinds:
            rest = _between(request, wishes[0], wishes[-1])
            if _is_text(rest):
                return [wishes[-1]], rest
        return wishes, None

    def _without_text(self, wish: Wish) -> Wish:
        """With no text around, a question is about no text: "who runs the shop?" has no names.

        An order, or words that point at a text, do ask for one; it was forgotten.
        """
        if points(wish.clause.text) or _first_word(wish.clause.text) in COMMANDS:
            return wish
        return _without(wish, {n for n in wish.scores if works_on_text(self.registry, n)})

    def _without_media(self, wish: Wish, offered: Collection[Kind]) -> Wish:
        """With no picture, sound or video around, words that speak of none ask for nothing that is
        done to one. Who speaks of one forgot it.
        """
        words = wish.clause.text
        ordered = wish.confidence >= _SURE and _first_word(words) in COMMANDS
        if ordered or MEDIA_WORDS.search(words):
            return wish
        tools = self.registry
        lacking = {n for n in wish.scores if n in tools and missing_media(tools[n], offered)}
        return _without(wish, lacking)

    def _is_command(self, wish: Wish) -> bool:
        text = wish.clause.text
        says_so = points(text) or begins_a_wish(text) or not text.isascii()
        needed = _SURE if says_so else _VERY_SURE
        return works_on_text(self.registry, wish.best) and wish.confidence >= needed


def _without(wish: Wish, tools: Collection[str]) -> Wish:
    """The wish with some tools left out of its scores."""
    if not tools:
        return wish
    left = {name: score for name, score in wish.scores.items() if name not in tools}
    # What was hardly considered does not become sure by being all that is left.
    total = max(sum(left.values()), _LEAST_LEFT)
    return replace(wish, scores={name: score / total for name, score in left.items()})


def _best(scores: Scores) -> tuple[str, float]:
    return max(scores.items(), key=lambda item: item[1])


def _affirmed(text: str) -> str:
    """What a negated clause says no to, where its other words tell it."""
    rest = _NEGATED.sub("", text, count=1)
    return rest if any(map(str.isalnum, rest)) else text


def without_remarks(wishes: Sequence[Wish]) -> list[Wish]:
    """The wishes without what is said beside them.

    "Who rings the bakery? I can't find it in there." asks once: words that read as no wish are
    one only where the router is sure, and sets on no other wish that it is surer of.
    """
    surest = max((wish.confidence for wish in wishes), default=0.0)
    return [w for w in wishes if w.confidence == surest or w.confidence >= _least(w.clause)]


def _least(clause: Clause) -> float:
    """How sure the router must be that a clause is a wish."""
    text = clause.text
    asks = text.rstrip().endswith(("?", "？", "؟")) or begins_a_wish(text)
    if asks or clause.joiner == "then":
        return 0.0
    # In many languages no list of words tells how a wish begins.
    return _RATHER_SURE if points(text) and not text.isascii() else _VERY_SURE


def works_on_text(registry: Registry, name: str) -> bool:
    """Whether a tool needs a text (not: may take one)."""
    return name in registry and any(
        kind == "text" and registry[name].Args.model_fields[slot].is_required()
        for slot, kind in registry[name].slots().items()
    )


def _files(kinds: Mapping[str, Kind]) -> list[Kind]:
    return [kind for name, kind in kinds.items() if name != PREVIOUS_INPUT]


def begins_a_wish(text: str) -> bool:
    """Whether the words begin as an order or a question does."""
    return _first_word(text) in STARTERS


def _first_word(text: str) -> str:
    words = text.split(maxsplit=1)
    return words[0].strip("¿¡\"',.").lower() if words else ""


def request_language(request: str) -> str:
    """The language that a request is made in (ISO 639-1), whatever its payload is in."""
    return identify(part(request).instruction).code


def has_field(registry: Registry, name: str, argument: str) -> bool:
    """Whether a tool takes an argument of this name."""
    return name in registry and argument in registry[name].Args.model_fields


def _is_text(rest: str) -> bool:
    """Whether it is long enough to be what a wish is about, and no word on the way."""
    return len(rest.split()) + rest.count("，") >= 2 or len(rest) >= 6


def _spoken_object(clause: str) -> str | None:
    """The words to work on inside the wish, as in "how do you say good morning in French"."""
    match = _OBJECT.search(clause.strip())
    return None if match is None or points(match["object"]) else match["object"].strip()


def _between(request: str, first: Wish, last: Wish | None) -> str:
    """The request's text from one clause's beginning up to another's, or to the end."""
    begin = request.find(first.clause.text)
    end = request.rfind(last.clause.text) if last is not None else len(request)
    if begin < 0 or end < begin:
        return ""
    return request[begin:end].strip()
