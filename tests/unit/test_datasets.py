"""The loaders: each format as it is published, and what happens to what can't be read."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evals import datasets
from evals.datasets import DatasetError, reading
from evals.task import BadRow, Dataset, Sample
from orchestrator.commands.output import USAGE, exit_code

Load = Callable[[Path], Dataset]


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def bad_lines(dataset: Dataset) -> list[tuple[str, int]]:
    return [(bad.file, bad.line) for bad in dataset.bad_rows]


# --- labelled texts ---


def test_a_table_gives_texts_labels_groups_and_splits(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "train.csv": 'text,category\n"one, two",a\n"over\ntwo lines",b\nlast,a\n',
            "test.tsv": 'Label\tText\tdomain\nb\tsaid "so\tmovie\n',
            "notes.csv": "text,category\nnot of a split,a\n",
        },
    )
    dataset = datasets.labelled(tmp_path)
    assert [(s.id, s.inputs["text"], s.gold, s.groups) for s in dataset.samples] == [
        ("test:2", 'said "so', "b", {"domain": "movie", "split": "test"}),
        ("train:2", "one, two", "a", {"split": "train"}),
        ("train:3", "over\ntwo lines", "b", {"split": "train"}),
        ("train:5", "last", "a", {"split": "train"}),
    ]
    assert dataset.bad_rows == ()
    assert dataset.name == tmp_path.name


def test_the_version_is_of_the_bytes_that_were_read(tmp_path: Path) -> None:
    content = lines({"text": "x", "intent": "y"})
    write(tmp_path, {"a.jsonl": content, "README.md": "not read"})
    digest = hashlib.sha256(content.encode()).hexdigest()
    assert datasets.labelled(tmp_path).version == digest[:12]
    write(tmp_path, {"a.jsonl": content + "\n"})
    assert datasets.labelled(tmp_path / "a.jsonl").version != digest[:12]


def test_bad_rows_are_told_with_their_lines_and_cost_no_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.jsonl": b'{"text": "good", "label": 1}\n'
            b"not json\n"
            b"[1]\n"
            b"\n"
            b'{"text": "\xff", "label": "x"}\n'
            b'{"text": "\\ud800", "label": "x"}\n'
            b'{"text": " ", "label": "x"}\n'
            b'{"text": "no label"}\n'
            b'{"text": "list", "label": ["x"]}\n'
            b'{"text": "nan", "label": "x", "n": NaN}\n' + b"[" * 100_000 + b"\n"
            b'{"id": "k", "text": "once", "label": "x"}\n'
            b'{"id": "k", "text": "twice", "label": "x"}\n',
            "b.csv": 'text,label\nfine,x\ntoo,many,x\n"stray"quote,x\nagain,x\n',
        },
    )
    dataset = datasets.labelled(tmp_path)
    assert [s.id for s in dataset.samples] == ["a:1", "a:k", "b:2", "b:5"]
    assert dataset.samples[0].gold == "1"
    assert bad_lines(dataset) == [
        *(("a.jsonl", n) for n in (2, 3, 5, 6, 7, 8, 9, 10, 11, 13)),
        *(("b.csv", n) for n in (3, 4)),
    ]
    assert "not UTF-8" in dataset.bad_rows[2].reason
    assert "'a:k' of an earlier row" in dataset.bad_rows[9].reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, {"a.csv": "text,label\r\nschön 好,ä\r\n".encode(encoding)})
    (sample,) = datasets.labelled(tmp_path).samples
    assert (sample.inputs["text"], sample.gold) == ("schön 好", "ä")


def test_columns_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "Title,text,kind\nx,y,z\n"})
    (sample,) = datasets.labelled(tmp_path, text="Title", label="kind").samples
    assert (sample.inputs["text"], sample.gold) == ("x", "z")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "has no *.csv"),
        ({"a.csv": ""}, "a.csv' has none"),
        ({"a.csv": "one,two\n1,2\n"}, "has one, two"),
        ({"a.csv": "text,label\n"}, "nothing to measure on"),
        (
            {"a.jsonl": '{"words": "x", "label": "y"}\n'},
            "a.jsonl line 1: has only 'words', 'label'",
        ),
        ({"a.csv": b"\xff\xfe\x00"}, "not whole UTF-16"),
    ],
)
def test_a_wrong_dataset_is_one_error_that_names_the_columns(
    tmp_path: Path, files: dict[str, str | bytes], told: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        datasets.labelled(write(tmp_path, files))
    assert told in caught.value.message
    assert "text column (text, sentence" in caught.value.message
    assert exit_code(caught.value) == USAGE


def test_a_missing_or_huge_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError, match="There is no 'gone'"):
        datasets.labelled(tmp_path / "gone")
    with pytest.raises(DatasetError):
        datasets.labelled(tmp_path / "\0")
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)
    with pytest.raises(DatasetError, match="has a file over"):
        datasets.labelled(write(tmp_path, {"a.csv": "text,label\nx,y\n"}))


def test_a_file_of_bad_rows_alone_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_BAD_ROWS", 3)
    good = lines({"text": "x", "label": "y"})
    write(tmp_path, {"a.jsonl": f"{good}x\nx\nx\n"})
    assert len(datasets.labelled(tmp_path).bad_rows) == 3
    write(tmp_path, {"a.jsonl": f"{good}x\nx\nx\nx\n"})
    with pytest.raises(DatasetError, match=r"more than 3 rows .* a\.jsonl line 2: is not JSON"):
        datasets.labelled(tmp_path)


# --- tokens with tags ---


def test_universal_ner_keeps_its_text_and_places_its_tokens(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "zh_gsd-ud-test.iob2": "# sent_id = s1\n# text = 在北京。\n"
            "1\t在\tO\t-\t-\n2\t北京\tB-LOC\t-\tx\n3\t。\tO\t-\t-\n"
            "\n# sent_id = s2\n1\t#\tO\t-\t-\n2\tbad\tLOC\t-\t-\n"
            "\n# sent_id = s3\n# text = not these\n1\t5\tO\t-\t-\n2\tDM\tO\t-\t-\n",
            "LICENSE.txt": "Do what you like.\n",
        },
    )
    dataset = datasets.tagged(tmp_path)
    first, third = dataset.samples
    assert first.id == "zh_gsd-ud-test:s1"
    assert first.inputs == {
        "text": "在北京。",
        "tokens": ["在", "北京", "。"],
        "offsets": [[0, 1], [1, 3], [3, 4]],
    }
    assert first.gold == ["O", "B-LOC", "O"]
    assert first.groups == {"lang": "zh", "split": "test"}
    assert third.inputs["text"] == "5 DM"
    assert dataset.bad_rows == (
        BadRow(file="zh_gsd-ud-test.iob2", line=7, reason="line 9 has 'LOC' for a tag"),
    )


def test_conll_has_the_token_first_and_the_tag_last(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "train.txt": "-DOCSTART- -X- -X- O\n\nEU NNP B-NP I-ORG\nUK NNP B-NP B-ORG\n"
            "in IN O O\nParis NNP I-NP I-LOC\nFrance NNP I-NP I-LOC\n"
        },
    )
    (sample,) = datasets.tagged(tmp_path).samples
    assert sample.inputs["text"] == "EU UK in Paris France"
    assert sample.gold == ["B-ORG", "B-ORG", "O", "B-LOC", "I-LOC"]
    assert sample.groups == {"split": "train"}


# --- translation ---


def test_ntrex_pairs_the_source_with_each_reference(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "newstest2019-src.eng.txt": "One\u2028still one\nTwo\nThree\n",
            "newstest2019-ref.deu.txt": "Eins\n\nDrei\n",
            "newstest2019-ref.zho-CN.txt": "一\r\n二\r\n三",
            "LICENSE.md": "x",
            "DOCUMENT_IDS.tsv": "a\na\na\n",
        },
    )
    dataset = datasets.parallel(tmp_path)
    assert [s.id for s in dataset.samples] == [
        "en-de:1", "en-de:3", "en-zh:1", "en-zh:2", "en-zh:3",
    ]  # fmt: skip
    assert dataset.samples[2].inputs == {
        "text": "One\u2028still one",
        "source_language": "en",
        "target_language": "zh",
    }
    assert dataset.samples[2].gold == "一"
    assert bad_lines(dataset) == [("newstest2019-ref.deu.txt", 2)]
    both = datasets.parallel(tmp_path, both_ways=True)
    assert Counter(s.groups["direction"] for s in both.samples) == {
        "en-de": 2, "de-en": 2, "en-zh": 3, "zh-en": 3,
    }  # fmt: skip


def test_moses_files_and_lines_that_are_not_aligned(tmp_path: Path) -> None:
    write(tmp_path, {"c.de": "ja\n", "c.fr": "oui\n"})
    (sample,) = datasets.parallel(tmp_path, source="fr").samples
    assert (sample.inputs["text"], sample.gold) == ("oui", "ja")
    write(tmp_path, {"c.fr": "oui\nnon\n"})
    with pytest.raises(DatasetError, match=r"'c\.de' has 1 lines, 'c.fr' 2: they are not aligned"):
        datasets.parallel(tmp_path)
    with pytest.raises(DatasetError, match="has no 'en'"):
        datasets.parallel(tmp_path, source="en")


# --- questions ---


def test_squad_gives_answers_and_places_of_bad_rows(tmp_path: Path) -> None:
    def question(id: str, answers: list[str], **more: object) -> dict[str, object]:
        return {"id": id, "question": "Who?", "answers": [{"text": t} for t in answers], **more}

    qas = [
        question("a", ["x", "x", "y"]),
        question("b", [], is_impossible=True),
        question("c", []),
        question("a", ["x"]),
        "no object",
    ]
    document = {
        "data": [
            {"title": "T", "paragraphs": [{"context": "x y", "qas": qas}, {"context": "z"}]},
            {"paragraphs": [{"qas": [question("d", ["x"])]}]},
        ]
    }
    write(tmp_path, {"xquad.de.json": json.dumps(document)})
    dataset = datasets.squad(tmp_path)
    assert [(s.id, s.gold) for s in dataset.samples] == [("de:a", ["x", "y"]), ("de:b", [])]
    assert dataset.samples[0].inputs == {
        "question": "Who?", "context": "x y", "title": "T", "paragraph": "0-0",
    }  # fmt: skip
    assert dataset.samples[0].groups == {"lang": "de"}
    assert [bad.reason for bad in dataset.bad_rows] == [
        "data[0].paragraphs[0].qas[2] has no answer",
        "data[0].paragraphs[0].qas[3] has the id 'de:a' of an earlier row",
        "data[0].paragraphs[0].qas[4] is no object",
        "data[0].paragraphs[1].qas is no list",
        "data[1].paragraphs[0].qas[0] has no 'context'",
    ]
    with pytest.raises(DatasetError, match=r"another form.*data\[\]\.paragraphs\[\]"):
        datasets.squad(write(tmp_path, {"a.json": "[]"}))


def test_beir_joins_queries_judgements_and_documents(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "corpus.jsonl": lines(
                {"_id": "d1", "title": "T", "text": "x"}, {"_id": "d2", "text": "y"}
            ),
            "queries.jsonl": lines({"_id": "q1", "text": "a?"}, {"_id": "q2", "text": "b?"}),
            "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"
            "q1\td9\t1\nq9\td1\t1\nq1\td2\thigh\n",
        },
    )
    dataset = datasets.beir(tmp_path)
    (sample,) = dataset.samples
    assert (sample.id, sample.inputs, sample.gold) == ("test:q1", {"query": "a?"}, {"d1": 2})
    assert bad_lines(dataset) == [("qrels/test.tsv", n) for n in (4, 5, 6)]
    assert [d.id for d in datasets.beir_documents(tmp_path)] == ["d1", "d2"]
    write(tmp_path, {"qrels/test.tsv": "q1\td1\t1\n"})
    with pytest.raises(DatasetError, match="another header"):
        datasets.beir(tmp_path)


# --- boxes ---


def photo(folder: Path, name: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (200, 100)).save(file)


def test_coco_gives_boxes_by_their_edges(tmp_path: Path) -> None:
    photo(tmp_path, "coco/val2017/1.png")
    write(tmp_path, {"2.png": "outside"})
    boxes = [
        {"image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 500], "iscrowd": 0,
         "segmentation": [[10, 20, 40, 20, 40, 100]]},
        {"image_id": 1, "category_id": 8, "bbox": [10, 20, 30, 40]},
        {"image_id": 2, "category_id": 7, "bbox": [10, 20, 30, 40]},
        {"image_id": 1, "category_id": 7, "bbox": [10, 20, 0, 40]},
        {"image_id": 1, "category_id": 7, "bbox": "wide"},
        {"image_id": 1, "category_id": 7, "bbox": [0, 0, 9, 9], "iscrowd": 1,
         "segmentation": {"counts": [1], "size": [1, 1]}},
    ]  # fmt: skip
    images = [
        {"id": 1, "file_name": "1.png", "width": 200, "height": 100},
        {"id": 2, "file_name": "../../2.png", "width": 200, "height": 100},
    ]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 7, "name": "cat"}]}
    root = tmp_path / "coco"
    write(root, {"annotations/instances_val2017.json": json.dumps(content)})
    dataset = datasets.coco(root)
    (sample,) = dataset.samples
    assert sample.inputs["image"] == str(root / "val2017/1.png")
    assert sample.gold == [
        {"label": "cat", "box": [10, 20, 40, 100], "crowd": False,
         "polygons": [[10, 20, 40, 20, 40, 100]]},
        {"label": "cat", "box": [0, 0, 9, 9], "crowd": True},
    ]  # fmt: skip
    assert [bad.reason.split()[0] for bad in dataset.bad_rows] == [
        "images[1]", "annotations[1]", "annotations[2]", "annotations[3]", "annotations[4]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "empty_too"),
    [
        ("names: [dog, cat]\n", True),
        ("skip_if_label_file_missing: true\nnames:\n  0: dog\n  1: cat\n", False),
    ],
)
def test_yolo_gives_boxes_and_outlines_in_pixels(
    tmp_path: Path, names: str, empty_too: bool
) -> None:
    photo(tmp_path, "images/a.png")
    photo(tmp_path, "images/empty.png")
    label = "1 0.5 0.5 0.5 0.5\n0 0.1 0.1 0.2 0.1 0.2 0.3\n9 0 0 1 1\n1 0.5\n1 a b c d\n1 9 9 9 9\n"
    write(
        tmp_path,
        {"labels/a.txt": label, "labels/gone.txt": "", "data.yaml": names, "images/x.jpg": "no"},
    )
    dataset = datasets.yolo(tmp_path)
    assert dataset.samples[0].gold == [
        {"label": "cat", "box": [50, 25, 150, 75], "crowd": False},
        {"label": "dog", "box": [20, 10, 40, 30], "crowd": False,
         "polygons": [[20, 10, 40, 10, 40, 30]]},
    ]  # fmt: skip
    assert dataset.samples[0].inputs["width"] == 200
    assert [s.id for s in dataset.samples] == (["a", "empty"] if empty_too else ["a"])
    unreadable = [("images/x.jpg", 1)] if empty_too else []
    assert bad_lines(dataset) == [
        ("labels/gone.txt", 1), *(("labels/a.txt", n) for n in (3, 4, 5, 6)), *unreadable,
    ]  # fmt: skip


# --- recordings ---


def test_recordings_are_found_beside_their_transcripts(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "84/1/84-1.trans.txt": "84-1-0000 HELLO THERE\n84-1-0001 GONE\n84-1-0002\n",
            "84/1/84-1-0000.flac": "",
            "84/1/84-1-0002.flac": "",
            "wav/3_ann.wav": "",
            "clips/c.mp3": "",
            "digits.jsonl": lines({"file": "wav/3_ann.wav", "digit": 3, "speaker": "ann"}),
            "validated.tsv": 'path\tsentence\nc.mp3\tBonjour "\n../../etc/passwd\tno\n',
            "metadata.csv": "LJ001|Dr. 5|Doctor five\n",
            "wavs/LJ001.wav": "",
        },
    )
    dataset = datasets.recordings(tmp_path)
    assert {s.id: s.gold for s in dataset.samples} == {
        "84/1/84-1-0000": "HELLO THERE",
        "wav/3_ann": "three",
        "clips/c": 'Bonjour "',
        "wavs/LJ001": "Doctor five",
    }
    first = dataset.samples[0]
    assert first.inputs == {"audio": str(tmp_path / "84/1/84-1-0000.flac")}
    assert first.groups == {"speaker": "84"}
    assert bad_lines(dataset) == [
        ("84/1/84-1.trans.txt", 2), ("84/1/84-1.trans.txt", 3), ("validated.tsv", 3),
    ]  # fmt: skip


def test_sentences_are_rows_or_lines(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.csv": "language,text\nde,Guten Tag.\n,Hello.\nen,\n",
            "b.jsonl": lines({"sentence": "Oi."}, {"words": "no"}),
            "c.txt": "One.\n\n Two. \n",
        },
    )
    dataset = datasets.sentences(tmp_path)
    assert [(s.id, s.inputs["text"], s.gold, s.groups) for s in dataset.samples] == [
        ("a:2", "Guten Tag.", "Guten Tag.", {"language": "de"}),
        ("a:3", "Hello.", "Hello.", {}),
        ("b:1", "Oi.", "Oi.", {}),
        ("c:1", "One.", "One.", {}),
        ("c:3", "Two.", "Two.", {}),
    ]
    assert bad_lines(dataset) == [("a.csv", 4), ("b.jsonl", 2)]


# --- pictures ---


def test_pictures_are_in_folders_of_their_labels(tmp_path: Path) -> None:
    photo(tmp_path, "mug/a.png")
    photo(tmp_path, "cup/b.png")
    write(tmp_path, {"mug/notes.txt": "", "top.png": ""})
    dataset = datasets.pictures_by_label(tmp_path)
    assert [(s.id, s.gold) for s in dataset.samples] == [("cup/b.png", "cup"), ("mug/a.png", "mug")]
    assert dataset.samples[0].inputs == {"image": str(tmp_path / "cup/b.png")}
    photo(tmp_path, "mug/c.png")
    assert datasets.pictures_by_label(tmp_path).version != dataset.version


def test_writing_is_beside_its_picture_or_in_a_table(tmp_path: Path) -> None:
    for name in ("sign.png", "page.jpg", "images/label.png", "blank.png"):
        photo(tmp_path, name)
    write(
        tmp_path,
        {
            "page.gt.txt": "Two\nlines\n",
            "blank.txt": "\n",
            "all.csv": "file,text\nsign.png,EXIT\nlabel.png,Tea\n../x.png,no\n",
        },
    )
    dataset = datasets.written_pictures(tmp_path)
    assert {s.id: s.gold for s in dataset.samples} == {
        "sign.png": "EXIT",
        "images/label.png": "Tea",
        "page.jpg": "Two\nlines",
    }
    assert bad_lines(dataset) == [("all.csv", 4), ("blank.txt", 1)]


# --- ratings ---

FLAGS = "|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"
MOVIELENS: dict[str, dict[str, str | bytes]] = {
    "latest": {
        "movies.csv": 'movieId,title,genres\n1,"A, b (1995)",Animation\n2,Çé,(no genres listed)\n',
        "ratings.csv": "userId,movieId,rating,timestamp\n7,2,4.5,200\n7,1,3.0,100\n"
        "8,1,3,1\n7,3,4,1\n7,1,9,1\n7,1,x,1\n",
    },
    "1m": {
        "movies.dat": "1::A, b (1995)::Animation\n2::Çé::\n".encode("iso-8859-1"),
        "ratings.dat": "7::2::4.5::200\n7::1::3::100\n8::1::3::1\n7::3::4::1\n7::1::9::1\n7::1\n",
    },
    "100k": {
        "u.item": f"1|A, b (1995)|01-Jan-1995||url{FLAGS}\n2|Çé|||{FLAGS}\n".encode("iso-8859-1"),
        "u.data": "7\t2\t4.5\t200\n7\t1\t3\t100\n8\t1\t3\t1\n7\t3\t4\t1\n7\t1\t9\t1\n7\t1\tx\t1\n",
    },
}


@pytest.mark.parametrize("form", MOVIELENS)
def test_movielens_holds_out_what_each_user_liked_last(tmp_path: Path, form: str) -> None:
    write(tmp_path, MOVIELENS[form])
    dataset = datasets.movielens(tmp_path)
    (sample,) = dataset.samples
    assert sample.inputs == {"user": "7", "history": [{"item": "1", "rating": 3.0, "at_s": 100}]}
    assert sample.gold == ["2"]
    first = 5 if form == "latest" else 4
    assert [bad.line for bad in dataset.bad_rows] == [first, first + 1, first + 2]
    films = datasets.movielens_films(tmp_path)
    assert [film.title for film in films] == ["A, b (1995)", "Çé"]
    assert films[0].genres == ("Animation",)


# --- foreign tools ---


def test_bfcl_says_which_calls_are_right(tmp_path: Path) -> None:
    def row(id: str, turns: int = 1) -> dict[str, object]:
        message = {"role": "user", "content": "Do."}
        return {"id": id, "question": [[message]] * turns, "function": [{"name": "f"}]}

    calls = [{"f": {"x": [1, ""]}}]
    write(
        tmp_path,
        {
            "BFCL_v4_simple_python.json": lines(row("s0"), row("s1"), row("s2", turns=2), {}),
            "possible_answer/BFCL_v4_simple_python.json": lines(
                {"id": "s0", "ground_truth": calls}, {"id": "s9", "ground_truth": []}
            ),
            "BFCL_v4_irrelevance.json": lines(row("i0")),
            "BFCL_v4_live_relevance.json": lines(row("r0")),
        },
    )
    dataset = datasets.bfcl(tmp_path)
    assert {s.id: s.gold for s in dataset.samples} == {
        "i0": {"call": "none", "calls": []},
        "r0": {"call": "any", "calls": []},
        "s0": {"call": "these", "calls": calls},
    }
    assert dataset.samples[2].groups == {"category": "simple_python"}
    assert dataset.samples[2].inputs["messages"] == [{"role": "user", "content": "Do."}]
    name = "BFCL_v4_simple_python.json"
    assert bad_lines(dataset) == [(f"possible_answer/{name}", 2), (name, 2), (name, 3), (name, 4)]


def test_metatool_has_requests_for_one_tool_and_for_two(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "plugin_des.json": '{"calc": "Counts."}',
            "big_tool_des.json": '{"News": "Tells.", "Money": "Quotes."}',
            "all_clean_data.csv": "Query,Tool\nHow many?,calc\nWho?,gone\n",
            "multi_tool_query_golden.json": json.dumps(
                [{"query": "Both?", "tool": ["News", "Money"]}, {"query": "None?", "tool": []}]
            ),
        },
    )
    dataset = datasets.metatool(tmp_path)
    assert [(s.id, s.gold, s.groups["tools"]) for s in dataset.samples] == [
        ("one:2", ["calc"], "one"),
        ("two:0", ["News", "Money"], "two"),
    ]
    assert [bad.reason for bad in dataset.bad_rows] == [
        "names a tool without description: 'gone'",
        "[1] has no tool",
    ]
    assert datasets.metatool_tools(tmp_path, "one") == {"calc": "Counts."}


def test_gorilla_reads_flat_and_published_lines(tmp_path: Path) -> None:
    published = {
        "code": "###Instruction: Sort these photos.\n###Output: …",
        "api_data": {"domain": "Image Classification"},
    }
    flat = {"instruction": "Read this.", "domain": "Speech"}
    write(
        tmp_path,
        {
            "a_eval.json": lines(published, {"code": "x", "api_data": {"domain": "y"}}),
            "eval.jsonl": lines(flat),
            "huggingface_api.jsonl": lines({"domain": "Speech", "api_name": "m"}, {}),
        },
    )
    dataset = datasets.gorilla(tmp_path)
    assert [(s.inputs["request"], s.gold) for s in dataset.samples] == [
        ("Sort these photos.", "Image Classification"),
        ("Read this.", "Speech"),
    ]
    assert bad_lines(dataset) == [("a_eval.json", 2), ("huggingface_api.jsonl", 2)]
    for path in (tmp_path, tmp_path / "eval.jsonl"):
        assert [api.name for api in datasets.gorilla_catalogue(path)] == ["m"]
    write(tmp_path, {"huggingface_api.jsonl": ""})
    assert datasets.gorilla(tmp_path).version != dataset.version
    with pytest.raises(DatasetError, match="has no catalogue"):
        datasets.gorilla_catalogue(tmp_path)


# --- our routing sets ---


def test_routing_rows_are_plans_with_alternatives(tmp_path: Path) -> None:
    plan = {
        "id": "r1",
        "request": "Read it in French.",
        "attachments": [{"kind": "document", "name": "a.pdf"}],
        "lang": "fr",
        "steps": [
            {"id": "s1", "tool": "translate_text", "args": {"target_language": "fr"}},
            {"id": "s2", "tool": "synthesize_speech", "after": ["s1"]},
        ],
        "alternatives": [["summarize_text"], []],
    }
    write(tmp_path, {"a.jsonl": lines(plan, {"id": "r2", "request": "Hello!"})})
    first, chat = datasets.routing(tmp_path / "a.jsonl").samples
    assert first.gold == {
        "steps": [
            {"id": "s1", "tool": "translate_text", "args": {"target_language": "fr"}, "after": []},
            {"id": "s2", "tool": "synthesize_speech", "args": {}, "after": ["s1"]},
        ],
        "alternatives": [["summarize_text"], []],
    }
    assert first.groups == {"lang": "fr"}
    assert chat.gold == {"steps": [], "alternatives": []}
    assert chat.inputs == {"request": "Hello!", "attachments": [], "lang": "en"}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([{"id": "s1", "tool": "a", "after": ["s2"]}], "'s2', which is no step"),
        ([{"id": "s1", "tool": "a"}, {"id": "s1", "tool": "b"}], "two steps have one id"),
        ([{"id": "s1", "tool": "a", "after": ["s1"]}], "in a circle"),
        ([{"id": "s1"}], "steps.0.tool: Field required"),
        ([{"id": "s1", "tool": "a", "then": []}], "steps.0.then: Extra inputs"),
    ],
)
def test_a_plan_that_can_not_be_is_a_bad_row(
    tmp_path: Path, steps: list[dict[str, object]], told: str
) -> None:
    good = {"id": "r0", "request": "Hi"}
    content = lines(good, {"id": "r1", "request": "x", "steps": steps}, good)
    dataset = datasets.routing(write(tmp_path, {"a.jsonl": content}))
    assert bad_lines(dataset) == [("a.jsonl", 2), ("a.jsonl", 3)]
    assert told in dataset.bad_rows[0].reason


# --- parts ---


def labels(counts: Mapping[str, int]) -> Dataset:
    golds = [gold for gold, count in counts.items() for _ in range(count)]
    samples = tuple(
        Sample(id=f"i{n}", inputs={}, gold=gold, groups={"split": "test" if n % 2 else "train"})
        for n, gold in enumerate(golds)
    )
    return Dataset("d", "v", samples)


def test_a_limit_keeps_the_shares_the_order_and_the_seed() -> None:
    whole = labels({"a": 100, "b": 60, "c": 40})
    drawn = datasets.limited(whole, 20, seed=3)
    assert Counter(s.gold for s in drawn.samples) == {"a": 10, "b": 6, "c": 4}
    order = [s.id for s in whole.samples]
    assert [s.id for s in drawn.samples] == sorted((s.id for s in drawn.samples), key=order.index)
    assert drawn == datasets.limited(whole, 20, seed=3)
    assert drawn != datasets.limited(whole, 20, seed=4)
    more = datasets.limited(whole, 21, seed=3)
    assert {s.id for s in drawn.samples} < {s.id for s in more.samples}
    assert datasets.limited(whole, 999, seed=3) == whole


def test_parts_by_split_by_share_and_by_label() -> None:
    whole = labels({"a": 10, "b": 10, "c": 3})
    test = datasets.split(whole, "test")
    assert len(test.samples) == 11
    assert all(s.groups == {} for s in test.samples)
    with pytest.raises(DatasetError, match=r"no 'val' split\. It has test, train"):
        datasets.split(whole, "val")
    first, rest = datasets.divided(test, 0.5, seed=0)
    assert len(first.samples) == 6
    assert {s.id for s in first.samples} | {s.id for s in rest.samples} == {
        s.id for s in test.samples
    }
    assert len(rest.samples) == 5
    few = datasets.per_label(whole, 4, seed=0)
    assert Counter(s.gold for s in few.samples) == {"a": 4, "b": 4, "c": 3}
    assert few == datasets.per_label(whole, 4, seed=0)
    assert few != datasets.per_label(whole, 4, seed=1)


# --- whatever the bytes ---

FORMATS: dict[str, tuple[Load, tuple[str, ...]]] = {
    "labelled": (datasets.labelled, ("a.csv", "b.tsv", "c.jsonl")),
    "tagged": (datasets.tagged, ("a.iob2", "b.conll")),
    "parallel": (datasets.parallel, ("n-src.eng.txt", "n-ref.deu.txt")),
    "squad": (datasets.squad, ("a.json",)),
    "beir": (datasets.beir, ("corpus.jsonl", "queries.jsonl", "qrels.tsv")),
    "coco": (datasets.coco, ("a.json",)),
    "yolo": (datasets.yolo, ("data.yaml", "images/a.jpg", "labels/a.txt")),
    "recordings": (datasets.recordings, ("a.csv", "metadata.csv", "b.trans.txt", "c.jsonl")),
    "sentences": (datasets.sentences, ("a.csv", "b.jsonl", "c.txt")),
    "pictures_by_label": (datasets.pictures_by_label, ("x/a.jpg", "x/b.png")),
    "written_pictures": (datasets.written_pictures, ("a.csv", "a.jsonl", "b.png", "b.txt")),
    "masks": (datasets.masks, ("images/a.jpg", "masks/a.png")),
    "movielens": (datasets.movielens, ("movies.dat", "ratings.dat")),
    "bfcl": (datasets.bfcl, ("BFCL_v4_x.json", "possible_answer/BFCL_v4_x.json")),
    "metatool": (
        datasets.metatool,
        ("plugin_des.json", "big_tool_des.json", "all_clean_data.csv", "multi_tool_q.json"),
    ),
    "gorilla": (datasets.gorilla, ("eval.jsonl",)),
    "routing": (datasets.routing, ("a.jsonl",)),
}
HEADS: tuple[bytes, ...] = (
    b"", b"text,label\n", b"path\ttext\n", b"query-id\tcorpus-id\tscore\n", b"Query,Tool\n",
    b'{"text": "x", "label": "y", "_id": "q", "id": "r", "request": "x"}\n', b'{"data": [{}]}',
    b'{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": [], "question": {}}]}]}]}',
    b'{"images": [{"id": 1, "file_name": "a.json", "width": 1e400, "height": []}], "x": 1}',
    b'{"images": [3], "annotations": {}, "categories": [{"id": null}]}', b"names: [x]\n",
    b'[{"query": "x", "tool": "y"}]', b"\xef\xbb\xbf", b"\xff\xfe", b"# text = x\n1\tx\tB-X\n\n",
    b"1::x::y\n", b"1::1::4::9\n1::1::4::x\n", b'{"id": "x", "question": [[{}]], "function": 3}\n',
    b"0 0.5 0.5 nan 1e999\n", b'"', b"\x00\n\r\n\x85\n",
)  # fmt: skip
CONTENT = st.lists(st.sampled_from(HEADS) | st.binary(max_size=30), max_size=4).map(b"".join)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_bytes_give_samples_bad_rows_or_a_typed_error(name: str, data: st.DataObject) -> None:
    load, names = FORMATS[name]
    contents = data.draw(st.tuples(*(CONTENT for _ in names)))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), dict(zip(names, contents, strict=True)))
        try:
            dataset = load(Path(folder))
        except DatasetError as error:
            message = error.message.encode().decode()
        else:
            message = None
    if message is not None:
        assert "Expected" in message or "not aligned" in message
        return
    assert dataset.samples
    assert len({sample.id for sample in dataset.samples}) == len(dataset.samples)
    for sample in dataset.samples:
        assert Sample.model_validate_json(sample.model_dump_json()) == sample
    for bad in dataset.bad_rows:
        assert bad.line >= 1
        assert bad.reason
