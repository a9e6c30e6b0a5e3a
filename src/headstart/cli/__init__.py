"""The command line: arguments to a config, a config to the workflow, its results to the screen."""

from headstart.cli.app import main

__all__ = ["main"]
