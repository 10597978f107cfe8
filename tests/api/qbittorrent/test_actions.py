import pytest

from engine.jobs.states import State

API = "/api/v2/torrents/"
A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture(autouse=True)
def three(sonarr):
    sonarr.post(API + "add", urls=f"{A}\n{B}\n{C}")


def states(torrents):
    return {view.record.hash[0]: view.state for view in torrents.views()}


def test_torrents_are_deleted_with_their_files_only_when_asked(sonarr, torrents):
    assert sonarr.post(API + "delete", hashes=A, deleteFiles="true").status == 200
    assert sonarr.post(API + "delete", hashes=B).status == 200
    assert list(states(torrents)) == ["c"]
    assert torrents.files_deleted == [A]


def test_all_torrents_are_deleted_with_the_word_all(sonarr, torrents):
    sonarr.post(API + "delete", hashes="all", deleteFiles="True")
    assert torrents.views() == []


def test_deleting_what_is_not_there_is_200(sonarr, torrents):
    for hashes in ("0" * 40, "", "nonsense"):
        answer = sonarr.post(API + "delete", hashes=hashes, deleteFiles="true")
        assert (answer.status, answer.body) == (200, b"")
    assert len(torrents.views()) == 3


@pytest.mark.parametrize(("pause", "resume"), [("pause", "resume"), ("stop", "start")])
def test_torrents_are_paused_and_resumed_under_both_names(sonarr, torrents, pause, resume):
    assert sonarr.post(API + pause, hashes=f"{A.upper()}|{B}").body == b""
    assert states(torrents) == {"a": State.PAUSED, "b": State.PAUSED, "c": State.ADDED}
    assert sonarr.post(API + resume, hashes="all").body == b""
    assert set(states(torrents).values()) == {State.ADDED}


def test_a_recheck_reaches_the_torrent(sonarr, torrents):
    sonarr.post(API + "recheck", hashes=B)
    assert torrents.rechecked == [B]


def test_a_reannounce_changes_nothing(sonarr, torrents):
    before = torrents.views()
    assert sonarr.post(API + "reannounce", hashes="all").status == 200
    assert torrents.views() == before


def test_a_torrent_is_forced_and_no_longer(sonarr, torrents):
    sonarr.post(API + "setForceStart", hashes=A, value="true")
    assert torrents.view(A).record.forced
    sonarr.post(API + "setForceStart", hashes=A, value="False")
    assert not torrents.view(A).record.forced


def test_share_limits_are_stored_and_those_not_given_are_global(sonarr, torrents):
    sonarr.post(API + "setShareLimits", hashes=A, ratioLimit="1.5", seedingTimeLimit="60")
    record = torrents.view(A).record
    assert (record.ratio_limit, record.seeding_time_limit) == (1.5, 60)
    assert record.inactive_seeding_time_limit == -2
    sonarr.post(API + "setShareLimits", hashes=A, inactiveSeedingTimeLimit="-1")
    record = torrents.view(A).record
    assert (record.ratio_limit, record.seeding_time_limit) == (-2, -2)
    assert record.inactive_seeding_time_limit == -1


def test_torrents_move_in_the_queue_and_keep_their_order(sonarr):
    def order():
        listed = sonarr.get(API + "info", sort="priority").json
        return "".join(one["hash"][0] for one in listed)

    sonarr.post(API + "topPrio", hashes=f"{C}|{B}")
    assert order() == "bca"
    sonarr.post(API + "bottomPrio", hashes=B)
    assert order() == "cab"


ACTIONS = [
    "add", "delete", "pause", "resume", "stop", "start", "recheck", "reannounce", "setForceStart",
    "setShareLimits", "topPrio", "bottomPrio", "createCategory", "editCategory",
    "removeCategories", "setCategory", "createTags", "deleteTags", "addTags", "removeTags",
]  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_refused_by_get(sonarr, action):
    answer = sonarr.get(API + action, hashes="all")
    assert (answer.status, answer.text) == (405, "Method Not Allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("action", [one for one in ACTIONS if one != "add"])
def test_an_action_without_its_parameter_is_400(sonarr, torrents, action):
    before = torrents.views()
    answer = sonarr.post(API + action)
    assert answer.status == 400
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert answer.text
    assert torrents.views() == before
