"""Tiny vision models with random weights, saved as the hub's are, for the gpu profile's classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from model_servers.images import Image

ACTIONS = ("running", "reading", "cooking", "singing", "swimming", "sleeping", "sewing")
KINDS = ("wall", "sky", "tree", "road")


def picture(height: int, width: int, seed: int = 0) -> Image:
    """Patches of random colours."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (4, 5, 3), np.uint8)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 5 // width
    return patches[rows][:, columns]


def rt_detr(folder: Path, kinds: int = 80) -> Any:
    """An RT-DETRv2 that is unsure enough of everything to tell of all its boxes."""
    import torch
    from transformers import (
        RTDetrImageProcessorPil,
        RTDetrResNetConfig,
        RTDetrV2Config,
        RTDetrV2ForObjectDetection,
    )

    torch.manual_seed(1)
    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 12, 16, 20],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrV2Config(
        backbone_config=backbone,
        num_labels=kinds,
        encoder_hidden_dim=16,
        encoder_in_channels=[12, 16, 20],
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        d_model=16,
        num_queries=20,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16,
        decoder_layers=2,
        decoder_attention_heads=2,
    )
    model = RTDetrV2ForObjectDetection(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "class_embed" in name:
                parameter.normal_(-1.0 if name.endswith("bias") else 0.0, 0.5)
            elif "bbox_embed" in name:
                parameter.normal_(0.0, 0.5)
    model.save_pretrained(folder)
    RTDetrImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return model


def siglip(folder: Path) -> Any:
    """A SigLIP whose tokenizer knows a few words."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import (
        PreTrainedTokenizerFast,
        SiglipConfig,
        SiglipImageProcessorPil,
        SiglipModel,
    )

    torch.manual_seed(2)
    words = ["<pad>", "<unk>", "this", "is", "a", "photo", "of", ".", "cat", "dog", "house"]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    size: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    text = size | {
        "vocab_size": len(words),
        "max_position_embeddings": 16,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    vision = size | {"image_size": 32, "patch_size": 8}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0.0, 5.0 if "token_embedding" in name else 0.5)
        model.logit_scale.fill_(1.5)
        model.logit_bias.fill_(0.5)
    model.save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return model


def segformer(folder: Path) -> Any:
    import torch
    from transformers import (
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessorPil,
    )

    torch.manual_seed(3)
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 8],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8,
        id2label=dict(enumerate(KINDS)),
        label2id={name: place for place, name in enumerate(KINDS)},
    )
    model = SegformerForSemanticSegmentation(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "weight" in name and parameter.ndim > 1:
                parameter.normal_(0.0, 0.3)
    model.save_pretrained(folder)
    SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return model


def videomae(folder: Path) -> Any:
    import torch
    from transformers import (
        VideoMAEConfig,
        VideoMAEForVideoClassification,
        VideoMAEImageProcessorPil,
    )

    torch.manual_seed(4)
    config = VideoMAEConfig(
        image_size=32,
        patch_size=8,
        num_frames=8,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=dict(enumerate(ACTIONS)),
        label2id={name: place for place, name in enumerate(ACTIONS)},
    )
    model = VideoMAEForVideoClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3)
    model.save_pretrained(folder)
    VideoMAEImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    return model
