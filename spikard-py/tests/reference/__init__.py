"""Runs the Python blocks of the published descriptions, which lie beside the project in `shared/reference`.

`pages.py` finds the blocks, `expectations/` says of each what it must do, `test_reference.py` runs
them: as a real server in a process of its own with a real client, or under pytest where the block
is a test. A block that no expectation names fails.
"""
