"""What Sonarr and Radarr are told, for they learn little through the API of a qBittorrent.

In the order of the story:
    arr        one question to one of them over its own API
    downloads  what they know of a download, and what can be done about it
    verdict    what to do next about a failed download
    messenger  tells one of them everything, one thing after the other, however long that takes
    handover   hands the stored endings of torrents to the messengers

Releases that are pushed to them:
    payload    what is pushed of a release
    answer     what became of it
    similar    which known release has this name
"""
