"""Loaders of public formats as they are, each from a path to a `Dataset`.

A row that can't be read is a `BadRow` with its file and line; a dataset that can't be read at all
is one `DatasetError` that names what was expected.
"""

from evals.datasets.beir import Document, beir, beir_documents
from evals.datasets.bfcl import bfcl
from evals.datasets.classification import labelled
from evals.datasets.coco import coco
from evals.datasets.conll import tagged
from evals.datasets.gorilla import Api, gorilla, gorilla_catalogue
from evals.datasets.masks import masks
from evals.datasets.metatool import metatool, metatool_tools
from evals.datasets.movielens import Film, movielens, movielens_films
from evals.datasets.parallel import parallel
from evals.datasets.pictures import pictures_by_label, written_pictures
from evals.datasets.printed import printed_pages
from evals.datasets.reading import DatasetError
from evals.datasets.recordings import recordings
from evals.datasets.routing import RoutingRow, RoutingStep, routing
from evals.datasets.sampling import divided, limited, per_label, split
from evals.datasets.sentences import sentences
from evals.datasets.squad import squad
from evals.datasets.wishes import wishes
from evals.datasets.yolo import yolo

__all__ = [
    "Api",
    "DatasetError",
    "Document",
    "Film",
    "RoutingRow",
    "RoutingStep",
    "beir",
    "beir_documents",
    "bfcl",
    "coco",
    "divided",
    "gorilla",
    "gorilla_catalogue",
    "labelled",
    "limited",
    "masks",
    "metatool",
    "metatool_tools",
    "movielens",
    "movielens_films",
    "parallel",
    "per_label",
    "pictures_by_label",
    "printed_pages",
    "recordings",
    "routing",
    "sentences",
    "split",
    "squad",
    "tagged",
    "wishes",
    "written_pictures",
    "yolo",
]
