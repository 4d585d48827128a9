"""Whole names from the words that a Chinese tagger gives, and the path that it tags by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_servers.lac import TaggedWord, best_path
from tools.entity_zh import TYPES, names_of


def words_of(tagged: str) -> tuple[str, list[TaggedWord]]:
    """The text and words of "王芳/PER 去/v 巴黎/LOC"; "_" stands for a blank."""
    text, words = "", []
    for item in tagged.split():
        surface, _, tag = item.rpartition("/")
        surface = surface.replace("_", " ")
        words.append(TaggedWord(len(text), len(text) + len(surface), tag))
        text += surface
    return text, words


@pytest.mark.parametrize(
    ("tagged", "names"),
    [
        ("王芳/PER 从/p 上海/LOC 来/v", "王芳 person, 上海 place"),
        # Put together.
        ("在/p 中国/LOC 浙江省/LOC 宁波市/LOC", "中国浙江省宁波市 place"),
        ("科尼亚/LOC 盆地/n 很/d 热/a", "科尼亚盆地 place"),
        ("法国/LOC 陆军/n", "法国陆军 organisation"),
        ("巴迪/PER ·/w 戴尔/ORG 说/v", "巴迪·戴尔 person"),
        ("伊万诺/PER -/w 弗兰科夫斯克州/PER", "伊万诺-弗兰科夫斯克州 place"),
        ("Tim/PER _/w Cook/nz 说/v", "Tim Cook person"),
        ("奥兰多/LOC （/w Orlando/nz ）/w", "奥兰多 place, Orlando place"),
        # Told apart.
        ("北京/LOC -/w 上海/LOC 高铁/n", "北京 place, 上海 place"),
        ("中/LOC 美/LOC 关系/n", ""),
        ("马达加斯加北部/LOC", "马达加斯加 place"),
        ("美国人/LOC 和/c 古罗马/PER 人/n", "美国人 group, 古罗马人 group"),
        ("法国/LOC 籍/n 主教/n", ""),
        # Of another type.
        ("威廉玛丽学院/PER", "威廉玛丽学院 organisation"),
        ("凯声戏院/ORG", "凯声戏院 place"),
        ("孙中山/PER 和/c 美军/n", "孙中山 person, 美军 organisation"),
        ("金星/PER 、/w 火星/n", "金星 place, 火星 place"),
        # No names.
        ("周五/TIME 以后/TIME 花/v 300欧元/m ，/w 三个/m 人/n", "周五 date, 300欧元 amount"),
        ("增长/v 12.5%。/m", "12.5% amount"),
    ],
)
def test_names_are_whole_and_of_their_type(tagged: str, names: str) -> None:
    text, words = words_of(tagged)
    found = [f"{text[e.start : e.end]} {e.type}" for e in names_of(text, words, TYPES)]
    assert ", ".join(found) == names


def test_only_the_types_that_are_wanted() -> None:
    text, words = words_of("王芳/PER 从/p 上海/LOC 来/v")
    assert [e.type for e in names_of(text, words, {"place"})] == ["place"]


SURFACES = st.sampled_from(
    [
        "王芳",
        "上海",
        "·",
        "-",
        "（",
        "）",
        " ",
        "Ann",
        "de",
        "人",
        "湖",
        "大学",
        "3米",
        "。",
        "籍",
        "北部",
    ]
)
TAGS = st.sampled_from(["PER", "LOC", "ORG", "TIME", "m", "n", "nz", "w"])


@given(st.lists(st.tuples(SURFACES, TAGS), max_size=12))
def test_names_stand_in_order_apart_and_within_the_text(pieces: list[tuple[str, str]]) -> None:
    text, words = "", []
    for surface, tag in pieces:
        words.append(TaggedWord(len(text), len(text) + len(surface), tag))
        text += surface
    end = 0
    for entity in names_of(text, words, TYPES):
        assert end <= entity.start < entity.end <= len(text)
        end = entity.end


def test_the_best_path_counts_transitions() -> None:
    scores = np.array([[1, 0], [0, 0.5]], dtype=np.float32)
    free = np.zeros((2, 2), dtype=np.float32)
    assert best_path(scores, free) == [0, 1]
    # From the first tag to the second costs more than the second is better.
    assert best_path(scores, np.array([[0, -1], [0, 0]], dtype=np.float32)) == [0, 0]
