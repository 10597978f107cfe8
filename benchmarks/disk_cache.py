"""How much of a file the page cache holds."""

import ctypes
import mmap
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_int64)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)

_FAILED = ctypes.c_void_p(-1).value


def resident(path: Path) -> int:
    """Return the bytes of `path` that are in the page cache, in whole pages. Raises OSError.

    The mapping is asked with mincore(2) and never read, so that asking brings nothing in.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if not size:
            return 0
        address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    if address == _FAILED:
        raise OSError(ctypes.get_errno(), f"cannot map {path}")
    pages = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
    try:
        if _libc.mincore(address, size, pages):
            raise OSError(ctypes.get_errno(), f"cannot ask for the pages of {path}")
    finally:
        _libc.munmap(address, size)
    return sum(page & 1 for page in pages.raw) * mmap.PAGESIZE
