"""Texts instead of photos: a table of sentences, and a model that transformers opens too."""

from transformers import AutoModelForSequenceClassification, AutoTokenizer

import headstart as hs

run = hs.fit("reviews.csv")
print(f"accuracy {run.test.accuracy:.3f}, interval {run.test.interval('accuracy')}")

model = hs.load(run.path)
for prediction in model.predict(["a warm and moving film", "dull and clumsy"]):
    print(prediction.label, round(prediction.score, 3))

# A pair of texts is one input: entailment, paraphrase, an answer beside its question.
# run = hs.fit("pairs.csv", settings={"data.input": "premise,hypothesis"})

folder = run.path / "model"
network = AutoModelForSequenceClassification.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
logits = network(**tokenizer("a warm and moving film", return_tensors="pt")).logits
print({network.config.id2label[place]: round(value, 2) for place, value in enumerate(logits[0].tolist())})
