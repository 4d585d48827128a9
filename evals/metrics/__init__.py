"""Metrics: pure functions of golds and predictions, one module a family, and how sure they are."""

from evals.metrics.abstention import Abstention
from evals.metrics.additive import AdditiveMetric, Parts
from evals.metrics.answers import Citations, SquadAnswers, normalise_answer
from evals.metrics.bootstrap import Difference, Interval, bootstrap, paired_difference
from evals.metrics.boxes import MeanAveragePrecision
from evals.metrics.calibration import Bin, Calibration, reliability
from evals.metrics.classification import ABSTAINED, FAILED, Classification, Confusion, confusion
from evals.metrics.costs import COSTS_WHERE_HIGHER_IS_BETTER, cost_intervals, costs
from evals.metrics.entities import SpanEntities, TaggedEntities
from evals.metrics.forms import MetricError
from evals.metrics.masks import MaskOverlap, mask_of
from evals.metrics.plans import HANDOFF, PlanMatch, PlanTools
from evals.metrics.ranked import RankedTools
from evals.metrics.retrieval import Ranking
from evals.metrics.single_tool import SingleTool
from evals.metrics.speech import (
    ErrorRates,
    ExactTranscripts,
    plain_words,
    printed_words,
    spoken_words,
)
from evals.metrics.translation import Translation, tokeniser_of
from evals.metrics.wishes import WishesMet
from evals.metrics.withheld import WithheldCurve

__all__ = [
    "ABSTAINED",
    "COSTS_WHERE_HIGHER_IS_BETTER",
    "FAILED",
    "HANDOFF",
    "Abstention",
    "AdditiveMetric",
    "Bin",
    "Calibration",
    "Citations",
    "Classification",
    "Confusion",
    "Difference",
    "ErrorRates",
    "ExactTranscripts",
    "Interval",
    "MaskOverlap",
    "MeanAveragePrecision",
    "MetricError",
    "Parts",
    "PlanMatch",
    "PlanTools",
    "RankedTools",
    "Ranking",
    "SingleTool",
    "SpanEntities",
    "SquadAnswers",
    "TaggedEntities",
    "Translation",
    "WishesMet",
    "WithheldCurve",
    "bootstrap",
    "confusion",
    "cost_intervals",
    "costs",
    "mask_of",
    "normalise_answer",
    "paired_difference",
    "plain_words",
    "printed_words",
    "reliability",
    "spoken_words",
    "tokeniser_of",
]
