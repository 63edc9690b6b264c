"""Runs `tests/cases/*.yaml` through the Python package. Their format is described in `tests/cases/README.md`.

It shares nothing with the runner in Rust but the files: other readers, another client, another
upstream. What both accept, two programs understood in the same way.
"""
