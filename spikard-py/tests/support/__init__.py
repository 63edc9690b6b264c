"""What the tests of the Python package share: programs that run, and clients that send bytes as they are.

Nothing here knows what is tested, and nothing here imports `spikard`: the package is seen from
outside, as a process that is started and a socket that answers.
"""
