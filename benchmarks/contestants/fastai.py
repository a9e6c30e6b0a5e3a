"""fastai's Learner and one-cycle schedule, with the layers frozen that the job freezes."""

from __future__ import annotations

from time import perf_counter

import torch
from fastai.vision.all import (
    CrossEntropyLossFlat,
    Flip,
    ImageDataLoaders,
    Learner,
    Normalize,
    RandomResizedCrop,
    Resize,
    accuracy,
    get_image_files,
)

from benchmarks.contestants.network import SIZE, pretrained
from benchmarks.job import Job, Outcome, outcome


def run(job: Job) -> Outcome:
    """Train, validate after every epoch, test once."""
    began = perf_counter()
    normalise = Normalize.from_stats((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), cuda=job.device == "cuda")
    data = ImageDataLoaders.from_folder(
        job.data,
        train="train",
        valid="val",
        bs=job.batch_size,
        num_workers=job.threads,
        device=torch.device(job.device),
        item_tfms=RandomResizedCrop(SIZE, min_scale=0.35) if job.augmented else Resize(SIZE),
        batch_tfms=[Flip(), normalise] if job.augmented else [normalise],
    )
    network = pretrained(job, classes=len(data.vocab))
    learner = Learner(data, network, loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    training_began = perf_counter()
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(job.measured, job.lr)
        training = perf_counter() - training_began
        test = data.test_dl(get_image_files(f"{job.data}/test"), with_labels=True)
        _, right = learner.validate(dl=test)
    total = perf_counter() - began
    return outcome(job, name="fastai", total=total, training=training, accuracy=right)
