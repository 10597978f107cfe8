"""The memory between the connections and the writer: blocks of one private anonymous mapping.

Theory
    The mapping is reserved once at its greatest size; memory is taken only by blocks that are
    touched. A block of the file gets the most recently freed slot (a stack, not a circle), so a
    download that needs 20 MiB at a time touches 20 MiB, however large the reservation is.

    Slots are page-aligned and a file offset keeps its remainder inside the slot, so that an aligned
    range of the file is aligned memory as well: what O_DIRECT asks for.

    The mapping is private because madvise(MADV_DONTNEED) frees nothing in a shared one, which is
    what `mmap.mmap(-1, n)` makes by default.

All methods are called under the download's lock; the views they return are used outside it.
"""

import mmap

BLOCK = 1 << 20
"""Bytes of a block: 64 TLS records, large enough that taking the lock once a block costs nothing,
small enough that an 8 MiB ring still has 8 of them."""

_NORESERVE = 0x4000
"""MAP_NORESERVE of Linux: the reservation counts against no overcommit limit."""


class Ring:
    """A pool of `capacity` bytes, mapped by file block; see the module's theory."""

    def __init__(self, capacity: int, block: int = BLOCK) -> None:
        if capacity % block or capacity <= 0 or block % mmap.PAGESIZE:
            raise ValueError(f"a ring of {capacity} bytes is not whole blocks of {block}")
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        self.block = block
        self._capacity = capacity
        self._memory = mmap.mmap(-1, capacity, flags=flags)
        self._view = memoryview(self._memory)
        self._free = list(range(capacity // block - 1, -1, -1))
        self._slots: dict[int, int] = {}
        self._touched: set[int] = set()
        self._keep = capacity
        self.peak = 0
        """The most bytes that were in use at once."""

    def __repr__(self) -> str:
        return f"<Ring {self.used} in use, {self.resident} touched, {self._capacity} reserved>"

    @property
    def used(self) -> int:
        """Bytes of the blocks now mapped."""
        return len(self._slots) * self.block

    @property
    def resident(self) -> int:
        """Bytes of the blocks that may hold memory, used or kept for the next."""
        return len(self._touched) * self.block

    def view(self, start: int, end: int) -> memoryview:
        """Return the memory of `[start, end)`, which lies in one block; maps the block if needed.

        Raises IndexError when no slot is free: the window let too much in.
        """
        index = start // self.block
        slot = self._slots.get(index)
        if slot is None:
            slot = self._slots[index] = self._free.pop()
            self._touched.add(slot)
            self.peak = max(self.peak, self.used)
        at = slot * self.block - index * self.block
        return self._view[at + start : at + end]

    def views(self, start: int, end: int) -> list[memoryview]:
        """Return the memory of `[start, end)`, one view per block.

        Raises KeyError for a block that is not mapped: it would be somebody else's old bytes.
        """
        pieces = []
        while start < end:
            if start // self.block not in self._slots:
                raise KeyError(f"nothing was put at {start}")
            stop = min(end, (start // self.block + 1) * self.block)
            pieces.append(self.view(start, stop))
            start = stop
        return pieces

    def release(self, upto: int) -> None:
        """Free every block that lies wholly below file offset `upto`."""
        for index in [each for each in self._slots if (each + 1) * self.block <= upto]:
            self._free.append(slot := self._slots.pop(index))
            if self.resident > self._keep:
                self._give_back(slot)

    def trim(self, keep: int) -> None:
        """Give memory back to the system until at most `keep` bytes stay touched.

        What is in use now follows when it is released. Not for the hot path: each page that is
        used again costs a fault.
        """
        self._keep = keep
        for slot in self._free:
            if self.resident <= keep:
                return
            if slot in self._touched:
                self._give_back(slot)

    def _give_back(self, slot: int) -> None:
        self._memory.madvise(mmap.MADV_DONTNEED, slot * self.block, self.block)
        self._touched.remove(slot)

    def close(self) -> None:
        """Unmap. Views that are still held keep the mapping until they are dropped."""
        self._slots.clear()
        self._view.release()
        try:
            self._memory.close()
        except BufferError:  # a view outlives us in a thread that is on its way out
            del self._memory
