"""From a torrent to exact files on disk."""
