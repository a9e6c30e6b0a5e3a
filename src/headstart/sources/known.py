"""What is known of pretrained models that are often named: a prior for ranking them on new data.

Of networks for images, the prior is the top-1 accuracy on ImageNet-1k that timm, torchvision or the paper
publishes: it tells how well features transfer to other photos (Kornblith et al., 2019). Of networks for
texts, it is the mean of the English classification tasks of MTEB, which are logistic regression on the
network's embeddings (Muennighoff et al., 2023). Both are shares; only differences within a family count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

APACHE, BSD, MIT = "apache-2.0", "bsd-3-clause", "mit"


@dataclass(frozen=True)
class Known:
    """A model of which more is known than its name.

    Attributes:
        family: of its inputs.
        millions: of parameters.
        licence: of the weights.
        prior: as above; None where its measure is not published.
    """

    family: str
    millions: float
    licence: str
    prior: float | None


KNOWN: Mapping[str, Known] = {
    "builtin:efficientnet-lite0": Known("image", 4.7, APACHE, 0.751),
    "builtin:efficientnet-lite1": Known("image", 5.4, APACHE, 0.767),
    "builtin:efficientnet-lite2": Known("image", 6.1, APACHE, 0.776),
    "builtin:mobilenetv2": Known("image", 3.5, BSD, 0.719),
    "timm:resnet18.a1_in1k": Known("image", 11.7, APACHE, 0.715),
    "timm:resnet50.a1_in1k": Known("image", 25.6, APACHE, 0.802),
    "timm:vgg16.tv_in1k": Known("image", 138.4, BSD, 0.716),
    "timm:inception_v3.tv_in1k": Known("image", 23.8, APACHE, 0.774),
    "timm:mobilenetv2_100.ra_in1k": Known("image", 3.5, APACHE, 0.730),
    "timm:mobilenetv3_large_100.ra_in1k": Known("image", 5.5, APACHE, 0.758),
    "timm:efficientnet_b0.ra_in1k": Known("image", 5.3, APACHE, 0.777),
    "timm:convnext_tiny.in12k_ft_in1k": Known("image", 28.6, APACHE, 0.842),
    "timm:vit_small_patch16_224.augreg_in21k_ft_in1k": Known("image", 22.1, APACHE, 0.814),
    "timm:vit_small_patch14_dinov2.lvd142m": Known("image", 22.1, APACHE, 0.811),
    "builtin:all-minilm-l6-v2": Known("text", 22.7, APACHE, 0.631),
    "hf:sentence-transformers/all-MiniLM-L12-v2": Known("text", 33.4, APACHE, 0.632),
    "hf:sentence-transformers/all-mpnet-base-v2": Known("text", 109.5, APACHE, 0.651),
    "hf:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": Known("text", 117.7, APACHE, 0.643),
    "hf:sentence-transformers/paraphrase-multilingual-mpnet-base-v2": Known("text", 278.0, APACHE, 0.679),
    "hf:google-bert/bert-base-uncased": Known("text", 109.5, APACHE, 0.617),
    "hf:distilbert/distilbert-base-uncased": Known("text", 66.4, APACHE, None),
    "hf:FacebookAI/roberta-base": Known("text", 124.6, MIT, None),
    "hf:answerdotai/ModernBERT-base": Known("text", 149.0, APACHE, None),
}
