"""What the outside talks to: the emulated qBittorrent, the command line, the composition root."""
