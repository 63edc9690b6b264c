"""What an application does when it is served: its own process, a real port, real clients.

A module here is both sides: `app` and its handlers at the top, which run in the server's process,
and below them the tests, which ask over sockets. `serving.py` starts the one for the other.
"""
