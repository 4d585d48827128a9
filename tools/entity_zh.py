"""Named entities in Chinese: from tagged words to whole names.

The tagger cuts finer than names go ("加州" "帕萨迪纳", "科尼亚" "盆地", "巴迪" "·" "戴尔"), and
takes the country in "美国人" for the name of a place. Here words are put together, and apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from model_servers.lac import TaggedWord
from tools.spans import Found, NamedType

TYPES: frozenset[NamedType] = frozenset(
    {"person", "organisation", "place", "date", "amount", "group"}
)
"""What is found here; products and events are not."""

_NAMES: Mapping[str, NamedType] = {"PER": "person", "LOC": "place", "ORG": "organisation"}
# How often each is right: the first three on Universal NER's Chinese test set (encyclopaedia,
# strict spans), the others by a look at few.
_SCORES: Mapping[NamedType, float] = {
    "person": 0.65,
    "organisation": 0.55,
    "place": 0.75,
    "date": 0.7,
    "amount": 0.7,
    "group": 0.6,
}
_DOTS = "·•‧・"
_HYPHENS = "-－–"
_HAN = "\u3400-\u9fff"

# What a name and the noun behind it are together.
_PLACE_HEADS = (
    "盆地 瀑布 湖 湖泊 岛 群岛 半岛 河 江 溪 山 峰 山脉 高原 平原 海峡 海湾 湾 运河 沙漠 公园 "
    "大桥 桥 机场 车站 站 港 港口 码头 广场 教堂 寺 庙 塔 城 城堡 领地 基地 遗址 故居 旧居 旧址 "
    "纪念馆 博物馆 体育馆 体育场 大厦 大楼 戏院 剧院 饭店 酒店 医院 监狱 看守所 水库 隧道 路 街 "
    "大道 街道 公路 铁路 线 区 县 市 省 州 镇 乡 村 屯"
)
_BODY_HEADS = (
    "大学 学院 中学 小学 公司 集团 银行 军队 陆军 海军 空军 军方 委员会 协会 联盟 同盟 党 队 "
    "俱乐部 电视台 电台 出版社 报社 研究所 研究院 研究中心 法院 航空 铁路局 分局 乐团 乐队 教区"
)
_HEADS: Mapping[str, NamedType] = {
    **dict.fromkeys(_PLACE_HEADS.split(), "place"),
    **dict.fromkeys(_BODY_HEADS.split(), "organisation"),
}
_HEAD_TAGS = frozenset({"n", "nz", "s", "LOC", "ORG"})
_PEOPLE = frozenset({"人", "人民", "人士", "民族", "裔", "族"})
# A country before one of these says what kind a thing is, not where.
_KINDS = frozenset({"籍", "国籍", "语", "文", "语言", "式", "制", "产", "菜"})
_GROUP = re.compile(rf"[{_HAN}]{{1,6}}[人族裔]")
_REGION = re.compile(r"(?:[东南西北]{1,2}部|中部|境内|沿海|地区)\Z")
_ARMY = re.compile(r"[中美英法德日俄苏韩朝越印意奥土汉魏蜀吴晋宋辽金元明清]军")
_PLANETS = frozenset({"水星", "金星", "火星", "木星", "土星", "天王星", "海王星", "冥王星"})
# A longer name that ends so is no person's; a shorter one may be, as 孙中山.
_PLACE_ENDS = re.compile(
    r".{3,}[县镇乡州省岛峰港湾河湖江山]|"
    r".{2,}(?:[戏剧]院|饭店|酒店|教堂|体育[馆场]|公园|广场|大厦|机场|车站|[寺庙])"
)
_BODY_ENDS = re.compile(
    r".{2,}(?:大学|学院|[中小]学|公司|集团|银行|委员会|协会|俱乐部|电视台|出版社)"
)
_DATE = re.compile(r"\d|[年月日号周]|星期|世纪|[今明昨前后]天")
_AMOUNT = re.compile(
    r"(?:\d|[一二三四五六七八九十百千万亿两半]).*"
    r"(?:[元圆块镑]|美金|卢布|法郎|港币|人民币|[%％]|百分点|公里|[千厘毫微]?米|公尺|英[里尺寸]|"
    r"海里|公顷|亩|[公千毫]?[克斤]|吨|k?g|[kcm]?m|[毫公]?升|度|[千兆]?瓦|赫兹)|百分之.+"
)
_LATIN = re.compile(r"[A-Z][\w'’.-]*(?: (?:[a-z]{1,3} )?[A-Z][\w'’.-]*)*", re.ASCII)
_GLOSS = re.compile(rf"[（(]({_LATIN.pattern})[，,、）)]", re.ASCII)
_ENDS_NAMES = "%％）)"

_Name = tuple[int, int, NamedType]


def names_of(text: str, words: Sequence[TaggedWord], types: Collection[NamedType]) -> list[Found]:
    """Entities of these types in the text, in order and without overlaps.

    Args:
        text: Chinese; other scripts may stand in it.
        words: all of its words, in order.
        types: which of TYPES are wanted.
    """
    whole = _with_latin(text, _tidied(text, _joined(text, words)))
    return [
        Found(start, end, kind, _SCORES[kind], "lac") for start, end, kind in whole if kind in types
    ]


def _joined(text: str, words: Sequence[TaggedWord]) -> Iterator[_Name]:
    """Names with the words that belong to them; times and amounts as they are."""
    place = 0
    while place < len(words):
        begin, place = place, place + 1
        kind = _kind(text, words[begin])
        if kind is None:
            continue
        while kind in _NAMES.values() and (longer := _longer(text, words, begin, place, kind)):
            place, kind = longer
        behind = _surface(text, words[place]) if place < len(words) else ""
        if not (kind == "place" and behind in _KINDS):
            yield words[begin].start, words[place - 1].end, kind


def _longer(
    text: str, words: Sequence[TaggedWord], begin: int, end: int, kind: NamedType
) -> tuple[int, NamedType] | None:
    """Where the name in words[begin:end] goes on to, and what it is then; None if it ends."""
    if end == len(words):
        return None
    surface = _surface(text, words[end])
    after = words[end + 1] if end + 1 < len(words) else None
    if surface in _DOTS and after is not None:
        # A dot stands within a foreign name, and most of these are people's.
        return end + 2, "person"
    if surface in _HYPHENS and kind == "person" and after is not None and after.tag in _NAMES:
        return end + 2, kind
    if _kind(text, words[end]) == kind == "person":
        return end + 1, kind
    if _kind(text, words[end]) == kind == "place":
        # 中国广东省中山市 is one place; 中美 are two.
        several = len(surface) > 1 and words[end].start - words[begin].start > 1
        return (end + 1, kind) if several else None
    if surface in _HEADS and words[end].tag in _HEAD_TAGS:
        return end + 1, _HEADS[surface]
    if kind != "organisation" and surface in _PEOPLE:
        return end + 1, "group"
    return None


def _kind(text: str, word: TaggedWord) -> NamedType | None:
    surface = _surface(text, word)
    if surface in _PLANETS:
        return "place"
    if word.tag in ("n", "nz", "ORG") and _ARMY.fullmatch(surface):
        return "organisation"
    if word.tag in ("LOC", "ORG", "nz") and _GROUP.fullmatch(surface):
        return "group"
    if word.tag == "TIME":
        return "date" if _DATE.search(surface) else None
    if word.tag == "m":
        return "amount" if _AMOUNT.fullmatch(surface.rstrip("。，、；")) else None
    return _NAMES.get(word.tag)


def _surface(text: str, word: TaggedWord) -> str:
    return text[word.start : word.end]


def _tidied(text: str, names: Iterable[_Name]) -> Iterator[_Name]:
    """Names without regions and punctuation at the end, and of the type that their end tells."""
    for start, full_end, first_kind in names:
        end = full_end
        if first_kind == "place" and (region := _REGION.search(text, start, end)):
            end = region.start()
        kind = _kind_by_end(text, start, end, first_kind)
        while start < end and not (text[end - 1].isalnum() or text[end - 1] in _ENDS_NAMES):
            end -= 1
        # One character that is tagged as a place is more often a part of something else.
        if end - start > (kind == "place"):
            yield start, end, kind


def _kind_by_end(text: str, start: int, end: int, kind: NamedType) -> NamedType:
    if kind in ("person", "organisation") and _PLACE_ENDS.fullmatch(text, start, end):
        return "place"
    if kind == "person" and _BODY_ENDS.fullmatch(text, start, end):
        return "organisation"
    return kind


def _with_latin(text: str, names: Iterable[_Name]) -> Iterator[_Name]:
    """Names in Latin letters as far as they go, and those in brackets behind a Chinese one."""
    taken = 0
    for start, end, kind in names:
        if start < taken:
            continue
        latin = _LATIN.match(text, start) if kind in _NAMES.values() else None
        taken = max(end, latin.end()) if latin else end
        yield start, taken, kind
        gloss = _GLOSS.match(text, taken) if kind in _NAMES.values() else None
        if gloss is not None:
            yield *gloss.span(1), kind
            taken = gloss.end()
