"""The run's report.html: what was learned, in one file that needs no network."""
