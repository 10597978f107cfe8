"""The qBittorrent Web API, emulated."""
