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


def test_share_limits_are_stored_and_the_new_one_may_be_missing(sonarr, torrents):
    sonarr.post(API + "setShareLimits", hashes=A, ratioLimit="1.5", seedingTimeLimit="60")
    record = torrents.view(A).record
    assert (record.ratio_limit, record.seeding_time_limit) == (1.5, 60)
    assert record.inactive_seeding_time_limit == -2
    limits = {"ratioLimit": "-2", "seedingTimeLimit": "-2", "inactiveSeedingTimeLimit": "-1"}
    sonarr.post(API + "setShareLimits", hashes=A, **limits)
    record = torrents.view(A).record
    assert (record.ratio_limit, record.seeding_time_limit) == (-2, -2)
    assert record.inactive_seeding_time_limit == -1


def test_share_limits_want_both_that_were_always_there(sonarr, torrents):
    for limits in ({"ratioLimit": "1"}, {"seedingTimeLimit": "60"}):
        answer = sonarr.post(API + "setShareLimits", hashes=A, **limits)
        assert (answer.status, answer.text) == (400, "Bad Request")
    assert torrents.view(A).record.ratio_limit == -2


@pytest.mark.parametrize(
    ("route", "field"),
    [("toggleSequentialDownload", "sequential"), ("toggleFirstLastPiecePrio", "first_last")],
)
def test_a_flag_is_turned_over(sonarr, torrents, route, field):
    assert sonarr.post(API + route, hashes=f"{A}|{'0' * 40}").body == b""
    assert [getattr(view.record, field) for view in torrents.views()] == [True, False, False]
    sonarr.post(API + route, hashes="all")
    assert [getattr(view.record, field) for view in torrents.views()] == [False, True, True]


ACTIONS = [
    "add", "delete", "pause", "resume", "stop", "start", "recheck", "reannounce", "setForceStart",
    "setShareLimits", "topPrio", "bottomPrio", "increasePrio", "decreasePrio", "createCategory",
    "editCategory", "removeCategories", "setCategory", "createTags", "deleteTags", "addTags",
    "removeTags", "rename", "renameFile", "renameFolder", "setLocation", "setSavePath",
    "setDownloadPath", "setAutoManagement", "setSuperSeeding", "toggleSequentialDownload",
    "toggleFirstLastPiecePrio", "filePrio", "addTrackers", "editTracker", "removeTrackers",
    "addPeers",
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
    assert (answer.status, answer.text) == (400, "Bad Request")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert torrents.views() == before
