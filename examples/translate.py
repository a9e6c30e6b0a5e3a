"""A text for a text: pairs, a checkpoint that translates, and a model that transformers opens too."""

from transformers import AutoModelForSeq2SeqLM

import headstart as hs

run = hs.fit("pairs.csv", model="hf:checkpoints/translator", technique="full")
print(f"chrF {run.test.chrf:.3f}, interval {run.test.interval('chrf')}; BLEU {run.test.bleu:.3f}")

model = hs.load(run.path)
for prediction in model.predict(["the red house", "a small garden"]):
    print(prediction.text)

network = AutoModelForSeq2SeqLM.from_pretrained(run.path / "model")
print(network.config.model_type)
