"""HTTP/1.1 as a client on the event loop, for whoever has to ask a server something.

Payload does not come this way: `engine.transfer` has connections of its own, in threads.
"""
