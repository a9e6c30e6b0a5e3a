"""Names in texts: sentences whose words are tagged, and a model that says where names stand."""

from transformers import AutoModelForTokenClassification, AutoTokenizer

import headstart as hs

run = hs.fit("names.jsonl")
print(f"F1 of entities {run.test.f1:.3f}, interval {run.test.interval('f1')}")

model = hs.load(run.path)
text = "Yesterday Ann Berg flew to Oslo."
(said,) = model.predict([text])
for entity in said.entities:
    print(f"{text[entity.start : entity.stop]}: {entity.label}, {entity.score:.3f}")
print(list(zip(said.words, said.tags, strict=True)))

# Words that are told apart already come as a list.
# model.predict([["Ann", "Berg", "flew", "to", "Oslo"]])

folder = run.path / "model"
network = AutoModelForTokenClassification.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
logits = network(**tokenizer(text, return_tensors="pt")).logits
print([network.config.id2label[int(tag)] for tag in logits[0].argmax(dim=1)])
