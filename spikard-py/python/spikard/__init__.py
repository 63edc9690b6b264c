"""Spikard: handlers in Python, everything in front of them in Rust."""
