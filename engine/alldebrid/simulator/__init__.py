"""A simulated AllDebrid with its own file host, for running and testing without an account.

    content   bytes that cost no disk and hardly any memory
    torrent   .torrent files and magnets, as far as an AllDebrid has to read and make them
    sample    the one torrent that a fresh installation can download
    account   the torrents of the simulated account and how they get on
    filehost  direct links: HTTP ranges over content
    app       the API and the file host as one aiohttp application

`python -m engine.alldebrid.simulator` serves it until its standard input ends.
"""
