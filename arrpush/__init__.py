"""What Sonarr and Radarr are told, for they learn little through the API of a qBittorrent.

In the order of the story:
    arr        one question to one of them over its own API
    downloads  what they know of a download, and what can be done about it
    verdict    what to do next about a failed download
    line       how well one of them can be reached, and when it is asked again
    steady     goes on for ever, whatever fails
    courier    tells one of them everything, one thing after the other, however long that takes
    handover   hands the stored endings of torrents to the couriers

Releases that are announced here and pushed to them:
    lenient       what a webhook's body holds, also when Autobrr has not escaped it
    announcement  the release in it, and who gets it
    payload       what is pushed of a release
    accepting     from an announcement to a row on disk
    similar       how alike two names of releases are
    catalogue     which torrent is meant by a name
    course        what becomes of a push: its states
    answer        what a program said to it
    attempts      the log of what was tried
    delivery      pushes what is waiting to one program
    links         where a program fetches a .torrent from here
    callers       by which address it reaches us
    cover         keeps what it repeats of a link to itself
    grabs         whether what was approved has been grabbed
    outbox        all of that together

`python -m arrpush` and `arr_push_v5.sh` announce a release to a service from outside.
"""
