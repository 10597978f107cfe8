"""`alldebrid-client bench`: measure a download, of one URL or by a running service.

`figures` is the arithmetic and `table` what is shown; `url` measures the engine in this process,
`service` a service through its qBittorrent Web API (`webapi`, `process`, `result`).
"""
