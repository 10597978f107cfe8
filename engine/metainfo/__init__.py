"""What a .torrent or a magnet URI says: identity, names, sizes, piece hashes. Pure, no I/O.

The scanner (`bencode`) comes first, then what is read with it (`torrent`), then `magnet`.
"""

from engine.metainfo.bencode import Scanned, Span, Value, scan
from engine.metainfo.errors import BadMetainfo
from engine.metainfo.magnet import Magnet, parse_magnet
from engine.metainfo.torrent import HASH_SIZE, MetaFile, Metainfo, is_padding_name, parse_torrent

__all__ = [
    "HASH_SIZE",
    "BadMetainfo",
    "Magnet",
    "MetaFile",
    "Metainfo",
    "Scanned",
    "Span",
    "Value",
    "is_padding_name",
    "parse_magnet",
    "parse_torrent",
    "scan",
]
