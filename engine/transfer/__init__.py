"""URL to exact file: ranges over several connections, a ring, one writer. Knows no torrents."""
