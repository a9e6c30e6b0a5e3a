"""Small seeded networks of transformers, saved in the layout of real checkpoints."""

from __future__ import annotations

import json
import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    PreTrainedTokenizerFast,
)

CORPUS = [
    "the cat sat on the mat and looked at the dog",
    "a good film with a warm heart , and a bad one without",
    "please call me back at once about the free prize",
    "where were you last night ? i was at home",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
KINDS = {
    "bert": {**SMALL, "max_position_embeddings": 64},
    "roberta": {**SMALL, "max_position_embeddings": 66},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 64},
    "electra": {**SMALL, "embedding_size": 16, "max_position_embeddings": 64},
    "modernbert": {
        **SMALL,
        "max_position_embeddings": 64,
        "global_attn_every_n_layers": 2,
        "local_attention": 16,
    },
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "llama": {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 64},
    "mpnet": {**SMALL, "max_position_embeddings": 66},
    "t5": {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
}

HALVES = {
    f"{half}_{name}": value
    for half in ("encoder", "decoder")
    for name, value in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 64))
}
# Networks with an encoder and a decoder, as they are when they write; and those that go on with a text.
TRANSLATORS = {
    "t5": KINDS["t5"],
    "bart": {"d_model": 32, "max_position_embeddings": 64, "dropout": 0.0, **HALVES},
    "marian": {"d_model": 32, "max_position_embeddings": 64, "dropout": 0.0, **HALVES},
}
CONTINUERS = ("gpt2", "llama")

# Whose tokenizers say which of two texts a token is of; DistilBERT itself does not want to know.
SEGMENTED = ("bert", "distilbert", "electra")


def some_words(number: int) -> list[str]:
    """Two to six words that every tokenizer here knows; others for another number."""
    return CORPUS[0].split()[number % 4 :][: 2 + number % 5]


def save_checkpoint(kind: str, folder: Path, *, mean_pooling: bool = False, writes: bool = False) -> Path:
    """A network of a kind with seeded weights, and a tokenizer of words, as `save_pretrained` writes them.

    One that writes has the last layer that gives the tokens, whatever its kind.
    """
    tokenizer = _tokenizer(segments=kind in SEGMENTED)
    special = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"[{name.upper()}]")
        for name in ("pad", "cls", "sep")
    }
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        **(TRANSLATORS if kind in TRANSLATORS else KINDS)[kind],
        **special,
        bos_token_id=special["cls_token_id"],
        eos_token_id=special["sep_token_id"],
        decoder_start_token_id=special["pad_token_id"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        builder = AutoModelForCausalLM if kind in CONTINUERS else AutoModel
        if writes and kind in TRANSLATORS:
            builder = AutoModelForSeq2SeqLM
        model = builder.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(4)  # so that texts differ in more than rounding
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# tiny\n")
    if mean_pooling:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(
            json.dumps({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})
        )
    return folder


def _tokenizer(*, segments: bool) -> PreTrainedTokenizerFast:
    letters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [*letters, *(f"##{letter}" for letter in letters)]
    known = dict.fromkeys([*SPECIAL, *pieces, *" ".join(CORPUS).split()])
    vocabulary = {token: place for place, token in enumerate(known)}
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=True)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, words.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    segment_names = ["token_type_ids"] if segments else []
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        model_max_length=64,
        model_input_names=["input_ids", *segment_names, "attention_mask"],
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
        eos_token="[SEP]",
    )
