from __future__ import annotations

import pytest

from model_servers.japanese import phonemes


@pytest.mark.parametrize(
    ("kana", "sounds"),
    [
        ("トーキョー", "toːkʲoː"),
        ("シンブン", "ɕimbɯɴ"),
        ("ホンジツ", "hoɲʥiʦɨ"),
        ("ガッコー", "ɡaʔkoː"),
        ("スズキ", "sɨzɨkʲi"),
        ("ワタシ", "βataɕi"),
        ("リンゴ", "ɾʲiŋɡo"),
        ("センニヒャク", "seɲɲiçakɯ"),
        ("ファイル", "ɸaiɾɯ"),
        ("パーティー", "paːtʲiː"),
        ("ウィーン", "βiːɴ"),
        ("チェック", "ʨeʔkɯ"),
        ("ヴァイオリン", "vaioɾʲiɴ"),
        ("ヲ", "o"),
        ("?", "?"),
        ("漢x𠮷", ""),
        ("ャー", "jaː"),
        ("", ""),
    ],
)
def test_kana_are_pronounced(kana: str, sounds: str) -> None:
    assert phonemes(kana) == sounds


def test_every_katakana_has_a_sound() -> None:
    silent = [char for char in map(chr, range(0x30A1, 0x30F5)) if not phonemes(char)]
    assert silent == []
