"""Networks of transformers as backbones: found, loaded safely, and cut into blocks."""
