from tests.fakes.clock import Clock


def test_a_clock_shows_what_it_was_set_to():
    clock = Clock(5.0)
    assert clock() == 5.0

    clock.now += 1

    assert clock() == 6.0
