"""What the vision tools say, in every language that they speak, and how they read a request."""

from __future__ import annotations

import numpy as np
import pytest

from model_servers.boxes import Boxes
from model_servers.coco_labels import COCO_LABELS
from tools.analyze_video_words import summary
from tools.classify_image import label_shares
from tools.classify_image_words import verdict
from tools.describe_image_words import asks_for_a_description, assemble
from tools.detect_objects import count_labels, found_objects, wanted_objects
from tools.detect_objects_words import report
from tools.masks import FoundMask, cut_out, joint_alpha, mask_picture
from tools.object_counts import COUNTED, counted, none_of
from tools.object_names import LANGUAGES
from tools.read_text_words import spoken
from tools.search_images_words import report as search_report
from tools.segment_image_words import report as segment_report


@pytest.mark.parametrize("language", [*LANGUAGES, "ar", "hi", "fi"])
def test_every_answer_is_complete_in_every_language(language: str) -> None:
    answers = [
        report({"person": 3, "dog": 0}, ["forklift"], language),
        report({}, [], language),
        verdict([("zebra", 0.9), ("horse", 0.08)], abstained=False, method="imagenet",
                language=language),
        verdict([("zebra", 0.2)], abstained=True, method="label names", language=language),
        segment_report([("person", 0.3, "network"), ("cat", 0.1, "colours"),
                        ("tie", 0.01, "box")], language),
        assemble("zebra", {"person": 2}, "EXIT", language),
        assemble(None, {}, "", language),
        summary(duration_s=12, shots=3, entries={"person": 2}, most={"person": 1},
                actions=[(3.0, "juggling balls", 0.6)],
                unusual=[(1, 2, ["motion", "count"])], unknown=["forklift"], language=language),
        search_report([("blue mug", 0.83), ("red mug", 0.61)], language),
        search_report([], language),
        summary(duration_s=12, shots=None, actions=[], entries={}, most={}, unusual=[], unknown=[],
                language=language),
    ]  # fmt: skip
    for answer in answers:
        assert answer
        assert "{" not in answer
    assert "3" in answers[0]
    assert "forklift" in answers[0]
    assert "EXIT" in answers[5]


@pytest.mark.parametrize(
    ("language", "three", "none"),
    [
        ("en", "There are 3 people in the picture.", "I see no people in it."),
        ("zh", "图中有 3 个人。", "图中没有看到人。"),
        ("es", "Hay 3 personas en la imagen.", "No veo personas en ella."),
        ("fr", "Il y a 3 personnes sur l'image.", "Je n'y vois pas de personnes."),
        ("de", "Auf dem Bild sind 3 Personen.", "Ich sehe darauf keine Personen."),
        ("pt", "Há 3 pessoas na imagem.", "Não vejo pessoas nela."),
        ("ja", "写真には人が3人写っています。", "人は写っていません。"),
        ("ar", "أرى في الصورة 3 من الأشخاص.", "لا أرى فيها أيًّا من الأشخاص."),
        ("hi", "तस्वीर में 3 लोग हैं।", "इसमें कोई व्यक्ति नहीं है।"),
        ("fi", "There are 3 people in the picture.", "I see no people in it."),
    ],
)
def test_what_was_counted_is_said_in_a_sentence(language: str, three: str, none: str) -> None:
    assert report({"person": 3}, [], language) == three
    assert report({"person": 0}, [], language) == none


def test_several_things_are_told_in_one_sentence_and_those_missed_in_another() -> None:
    counts = {"person": 2, "dog": 1, "chair": 4, "cat": 0, "bird": 0}
    assert report(counts, [], "en") == (
        "There are 2 people, 1 dog and 4 chairs in the picture. I see no cats or birds in it."
    )
    assert report({"dog": 1}, [], "de") == "Auf dem Bild ist 1 Hund."
    assert report({"bird": 0, "dog": 0}, [], "fr") == "Je n'y vois pas d'oiseaux ni de chiens."


@pytest.mark.parametrize("language", COUNTED)
def test_every_thing_has_a_number_in_every_language(language: str) -> None:
    for label in COCO_LABELS:
        several = counted(label, 2, language)
        assert "2" in several
        assert "|" not in several + none_of(label, language)
        assert label == "person" or several != counted("person", 2, language)


@pytest.mark.parametrize("language", COUNTED)
def test_a_sign_is_quoted_and_a_page_is_given_as_it_stands(language: str) -> None:
    said = spoken("SPEED LIMIT\n55", language)
    assert "SPEED LIMIT / 55" in said
    assert len(said) > len("SPEED LIMIT / 55") + 4
    page = "\n".join(f"Line {number} of the page" for number in range(9))
    assert spoken(page, language) == page
    assert spoken("", language)


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("What is in this picture?", True),
        ("describe the photo please", True),
        ("What do you see?", True),
        ("图片里有什么？", True),
        ("Was ist auf dem Foto zu sehen?", True),
        ("¿Qué se ve en la foto?", True),
        ("Why is the man sad?", False),
        ("Is the light on?", False),
        ("What colour is the car?", False),
        ("他为什么难过？", False),
    ],
)
def test_a_description_is_told_from_a_question(question: str, plain: bool) -> None:
    assert asks_for_a_description(question) is plain


def test_what_is_listed_goes_before_what_is_asked() -> None:
    assert wanted_objects(["people", "Hund", "forklift"], "count the cars").known == (
        "person", "dog",
    )  # fmt: skip
    assert wanted_objects(["forklift"], None).unknown == ("forklift",)
    assert wanted_objects(None, "count the cars").known == ("car",)
    assert wanted_objects(None, None).known == ()


def test_boxes_below_the_score_or_of_another_kind_are_left_out() -> None:
    boxes = Boxes(
        np.array([[0, 0, 9, 9]] * 3, np.float32),
        np.array([0.9, 0.5, 0.1], np.float32),
        np.array([0, 16, 0]),
    )
    assert [b.label for b in found_objects(boxes, 0.3)] == ["person", "dog"]
    dogs = found_objects(boxes, 0.3, ("dog", "cat"))
    assert count_labels(dogs, ("dog", "cat")) == {"dog": 1, "cat": 0}


def test_labels_are_judged_by_their_examples() -> None:
    random = np.random.default_rng(2)
    common, cat, dog = random.normal(size=(3, 50)).astype(np.float32)
    pictures = [3 * common + cat, 3 * common + dog, 3 * common + dog]
    noisy = [p + random.normal(scale=0.1, size=50) for p in pictures]
    examples = np.stack([p / np.linalg.norm(p) for p in noisy]).astype(np.float32)
    seen = 3 * common + dog
    shares = label_shares((seen / np.linalg.norm(seen)).astype(np.float32), examples, [0, 1, 1])
    assert shares.sum() == pytest.approx(1)
    assert shares[1] > 0.9


def test_a_cut_out_is_opaque_inside_and_no_larger_than_it_has_to_be() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    alpha = np.zeros((40, 60), np.float32)
    alpha[10:20, 30:50] = 1
    alpha[9, 30:50] = 0.5
    mask = FoundMask("cat", 0.5, (30, 9, 50, 20), alpha, "colours")
    cut = cut_out(image, joint_alpha([mask]))
    assert cut.shape == (11, 20, 4)
    assert (cut[1:, :, 3] == 255).all()
    assert (cut[0, :, 3] == 128).all()
    assert (cut[1:, :, :3] == image[10:20, 30:50]).all()
    assert mask.inside.sum() == 11 * 20
    drawn = mask_picture(alpha)
    assert drawn.shape == (40, 60, 4)
    assert (drawn[..., 3] > 0).sum() == 11 * 20
