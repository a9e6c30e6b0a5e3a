"""Questions on contexts: a table of them, and a model that points at the answers."""

import headstart as hs

run = hs.fit("questions.csv")
print(f"F1 {run.test.f1:.3f}, interval {run.test.interval('f1')}")

model = hs.load(run.path)
context = "The green box of room 3 was packed by Bob and holds 31 coins."
questions = ["How many coins are in the green box?", "Who packed the green box?"]
for question, said in zip(
    questions, model.predict([(question, context) for question in questions]), strict=True
):
    print(question, "->", said.answer, said.start, round(said.score, 3))

# A context may have any length: it is read in overlapping windows.
(said,) = model.predict([(questions[0], " ".join([context] * 30))])
print(said.answer, round(said.score, 3))
