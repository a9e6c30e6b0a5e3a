"""From a folder of photos to a model that predicts.

Run it beside a folder with a folder of photos for each class:

    photos/ant/*.jpg
    photos/bee/*.jpg
"""

import headstart as hs

run = hs.fit("photos", time_limit="10m")

low, high = run.test.interval("accuracy")
print(f"accuracy {run.test.accuracy:.3f} on {run.test.n} test photos, 95 % interval {low:.3f} to {high:.3f}")
print(f"returned: {run.result['returned']} ({run.result['why_returned']})")

model = hs.load(run.path)
for prediction in model.predict(["new.jpg", "more/1.jpg"]):
    print(prediction.label, f"{prediction.score:.3f}")
