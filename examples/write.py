"""Answers to prompts: conversations, of which only the assistant's turn is learned, by low-rank adapters."""

import headstart as hs
from headstart.contracts import Chat

run = hs.fit("chats.jsonl", model="hf:checkpoints/writer", technique="lora")
print(f"perplexity {run.test.perplexity:.1f}, interval {run.test.interval('perplexity')}")

model = hs.load(run.path)
plain, said = model.predict(
    [
        "where is the red house ?",
        Chat((("system", "be brief"), ("user", "where is the red house ?"))),
    ]
)
print(plain.text)
print(said.text)
