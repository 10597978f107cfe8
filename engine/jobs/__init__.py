"""Torrents as jobs: the state machine, the queue and the supervisor."""
