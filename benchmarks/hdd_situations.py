"""The situations of the hard disk."""

from benchmarks.hdd_bursts import BURSTS, judge_bursts, run_bursts
from benchmarks.hdd_contest import ABOUT
from benchmarks.hdd_fast_line import judge_fast_line, run_fast_line
from benchmarks.hdd_turns import judge_several, run_several
from benchmarks.situation import Situation

SITUATIONS = (
    Situation(
        number=5,
        name="hdd",
        title="A hard disk of 150 MB/s behind a line of 800 MB/s",
        how=ABOUT + " The writes are looked at call by call in a run of its own, under strace.",
        run=run_fast_line,
        verdict=judge_fast_line,
    ),
    Situation(
        number=6,
        name="hdd-bursts",
        title="400 MB/s for 2 s, nothing for 2 s, onto that disk",
        how=(
            ABOUT + f" After {BURSTS:.0f} s of bursts the line is steady at 20 MB/s. Warm is the "
            "time from the line's first period after the ring has last grown to the end of the "
            "bursts. The file is as long as that takes."
        ),
        run=run_bursts,
        verdict=judge_bursts,
    ),
    Situation(
        number=10,
        name="hdd-several",
        title="Two downloads at once on that disk, and with three small ones",
        how=(
            ABOUT
            + " All downloads are in one process. One has the whole size, two have half of it "
            "each, the small ones 100 MiB. A turn is what one file was written between two writes "
            "to others; the last of each file is left out."
        ),
        run=run_several,
        verdict=judge_several,
    ),
)
