from api.qbittorrent.sessions import LIFETIME, Sessions, drop_cookie, set_cookie, sids


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_session_lives_as_long_as_it_is_used():
    clock = Clock()
    sessions = Sessions(clock=clock)
    sid = sessions.open()
    for _ in range(3):
        clock.time += LIFETIME - 1
        assert sessions.use(sid)
    clock.time += LIFETIME
    assert not sessions.use(sid)


def test_a_session_lives_as_long_as_the_settings_say():
    clock = Clock()
    sessions = Sessions(clock=clock, lifetime=60)
    sid = sessions.open()
    clock.time += 59
    assert sessions.use(sid)
    clock.time += 60
    assert not sessions.use(sid)


def test_sessions_may_never_end_and_are_bounded_all_the_same():
    clock = Clock()
    sessions = Sessions(clock=clock, lifetime=0, limit=2)
    sid = sessions.open()
    clock.time += 10**9
    assert sessions.use(sid)
    for _ in range(5):
        sessions.open()
    assert repr(sessions) == "<Sessions 2 of 2>"


def test_a_closed_session_is_over():
    sessions = Sessions()
    sid = sessions.open()
    sessions.close(sid)
    sessions.close(sid)
    assert not sessions.use(sid)


def test_an_unknown_sid_is_refused():
    sessions = Sessions()
    sessions.open()
    assert not sessions.use("0" * 32)
    assert not sessions.use("")


def test_a_client_that_logs_in_before_every_call_does_not_throw_out_one_that_is_in_use():
    sessions = Sessions(limit=3)
    used = sessions.open()
    for _ in range(10):
        sessions.open()
        assert sessions.use(used)
    assert repr(sessions) == "<Sessions 3 of 3>"


def test_the_session_that_was_not_used_for_the_longest_time_is_dropped_first():
    sessions = Sessions(limit=2)
    first, second = sessions.open(), sessions.open()
    assert sessions.use(first)
    sessions.open()
    assert sessions.use(first)
    assert not sessions.use(second)


def test_expired_sessions_do_not_take_room():
    clock = Clock()
    sessions = Sessions(clock=clock, limit=2)
    sessions.open()
    clock.time = LIFETIME
    sessions.open()
    assert repr(sessions) == "<Sessions 1 of 2>"


def test_a_sid_is_128_random_bits():
    sessions = Sessions()
    found = {sessions.open() for _ in range(100)}
    assert len(found) == 100
    assert all(len(bytes.fromhex(sid)) == 16 for sid in found)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites():
    assert set_cookie("ab") == "SID=ab; HttpOnly; path=/; SameSite=Strict"
    assert drop_cookie().startswith("SID=; ")
    assert "expires=Thu, 01 Jan 1970" in drop_cookie()


def test_all_sids_of_a_cookie_header_are_found():
    assert sids('theme=dark; SID=one; sid=no; SID="two";SID=; x') == ["one", "two"]
    assert sids("") == []
