"""The program beside the gateway: it sends triggers, polls, follows files and serves the stub.

It is copied there and runs alone on Python 3.9, so it imports only the standard library.
"""
