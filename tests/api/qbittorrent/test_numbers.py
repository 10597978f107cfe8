from api.qbittorrent.numbers import CLIENTS, LARGEST, REMEMBERED, Clients, Numbers


def test_a_client_counts_from_one():
    numbers = Numbers()

    assert [numbers.following(revision) for revision in (7, 7, 9)] == [1, 2, 3]
    assert [numbers.revision(number) for number in (1, 2, 3)] == [7, 7, 9]


def test_a_number_that_was_not_given_is_not_known():
    numbers = Numbers()
    numbers.following(5)

    assert [numbers.revision(number) for number in (-1, 0, 2, 2**60)] == [None] * 4


def test_after_the_largest_number_comes_one():
    numbers = Numbers(LARGEST - 1)

    assert [numbers.following(0), numbers.following(1)] == [LARGEST, 1]
    assert (numbers.revision(LARGEST), numbers.revision(1)) == (0, 1)


def test_the_last_answers_are_remembered_and_no_more():
    numbers = Numbers()
    for revision in range(REMEMBERED + 5):
        numbers.following(revision)

    assert numbers.revision(5) is None
    assert numbers.revision(6) == 5
    assert len(numbers._known) == REMEMBERED


def test_clients_count_for_themselves():
    clients = Clients()
    clients.of(("a",)).following(1)

    assert clients.of(("b",)).following(2) == 1
    assert clients.of(("a",)).following(3) == 2


def test_clients_without_a_cookie_count_together_from_anywhere():
    clients = Clients(anywhere=lambda _: 41)

    assert clients.of(()).following(1) == 42
    assert clients.of(()).following(2) == 43


def test_the_client_that_asked_least_lately_is_forgotten():
    clients = Clients()
    for number in range(CLIENTS):
        clients.of((str(number),)).following(0)
    clients.of(("0",))
    clients.of(("new",))

    assert clients.of(("0",)).revision(1) == 0
    assert clients.of(("1",)).revision(1) is None
    assert len(clients._clients) == CLIENTS
