"""One file for each way of doing a job. A contestant is a module with ``run(job) -> Outcome``."""
