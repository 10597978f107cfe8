"""AllDebrid's HTTP API and the resolver from a torrent to direct links.

In the order of the story:
    values     what AllDebrid tells, as structs; the table of status codes
    errors     what goes wrong; the table of error codes
    lenient    JSON whose types move
    tree       file trees as lists
    wire       answers: bytes to values or errors
    address    which URLs may be talked to
    budget     how many requests may go
    forms      what a request carries
    transport  one HTTP exchange over kept connections
    account    the gate that closes when the account is in trouble
    calls      one call through gate, budget and retries
    client     the API as coroutines
    live       the list of torrents from what changed
    poller     one task that watches all torrents
    links      direct links, kept for a day
    simulator  an AllDebrid for running without an account
"""
