import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.places import BadPlace
from api.qbittorrent.preferred import decoded, flag, number, preferred, whole_number
from engine.jobs.preferences import Preferences
from engine.jobs.speed import SpeedLimits
from tests.fakes.sonarr_http import SonarrHttp

API = "/api/v2/"
A = "a" * 40
OLD = Preferences(max_active_downloads=3, save_path="/d")


@pytest.fixture
def sonarr(server, torrents):
    server.app = create_app(torrents, ApiConfig(unfinished_path="/unfinished"))
    return SonarrHttp(server.port)


def shown(sonarr):
    return sonarr.get(API + "app/preferences").json


def prefer(sonarr, **wishes):
    return sonarr.post(API + "app/setPreferences", json=json.dumps(wishes))


@pytest.mark.parametrize(
    ("name", "value", "then"),
    [
        ("max_active_downloads", 7, 7),
        ("max_active_downloads", "9", 9),
        ("max_active_downloads", 2.7, 3),
        ("max_active_downloads", 0, 0),
        ("max_active_downloads", -1, -1),
        ("max_active_downloads", -5, -1),
        ("queueing_enabled", False, False),
        ("queueing_enabled", "false", False),
        ("start_paused_enabled", True, True),
        ("start_paused_enabled", 1, True),
        ("auto_tmm_enabled", False, False),
        ("save_path", "/other/", "/other"),
        ("save_path", "/other/../x", "/x"),
        ("max_ratio_act", 0, 0),
    ],
)
def test_what_is_set_is_shown(sonarr, name, value, then):
    answer = prefer(sonarr, **{name: value})
    assert (answer.status, answer.body) == (200, b"")
    assert shown(sonarr)[name] == then


@pytest.mark.parametrize("name", ["max_ratio", "max_seeding_time", "max_inactive_seeding_time"])
def test_a_share_limit_is_set_with_its_switch(sonarr, name):
    switch = f"{name}_enabled"
    for wishes, limit in [
        ({switch: True, name: 60}, 60),
        ({name: 70}, 60),
        ({switch: True}, 60),
        ({switch: True, name: "x"}, 60),
        ({switch: True, name: -7}, 0),
        ({switch: False, name: 60}, -1),
        ({switch: True}, 0),
    ]:
        assert prefer(sonarr, **wishes).status == 200
        assert (shown(sonarr)[name], shown(sonarr)[switch]) == (limit, limit >= 0)


def test_what_is_set_holds_for_new_torrents(sonarr, torrents):
    prefer(sonarr, start_paused_enabled=True, save_path="/other", auto_tmm_enabled=False)
    sonarr.post(API + "torrents/add", urls=A, category="tv")
    view = torrents.view(A)
    assert (view.state.value, view.record.save_path) == ("paused", "/other/tv")
    assert not view.record.auto_managed
    assert sonarr.get(API + "app/defaultSavePath").text == "/other"


def test_all_that_was_shown_may_be_sent_back(sonarr, torrents):
    before = (torrents.preferences(), torrents.speed_limits())
    assert prefer(sonarr, **shown(sonarr)).status == 200
    assert (torrents.preferences(), torrents.speed_limits()) == before


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        ({"max_ratio_act": 1}, "no preference for us"),
        ({"save_path": "relative"}, "must be absolute"),
        ({"save_path": "/"}, "root folder"),
        ({"save_path": "/unfinished/x"}, "among the unfinished files"),
    ],
)
def test_what_cannot_be_is_refused_with_all_that_came_along(sonarr, torrents, caplog, wishes, why):
    before = torrents.preferences()
    with caplog.at_level(logging.WARNING):
        answer = prefer(sonarr, start_paused_enabled=True, dl_limit=5000, **wishes)
    assert answer.status == 400
    assert why in answer.text
    assert (torrents.preferences(), torrents.speed_limits()) == (before, SpeedLimits())
    (record,) = caplog.records
    assert record.getMessage().startswith("preferences=refused reason=")


@pytest.mark.parametrize(
    "sent",
    [
        "", "nonsense", "[]", "1", "null", '"x"', '{"unknown": 1}', "[" * 100_000,
        '{"max_active_downloads": "x"}', '{"max_active_downloads": null}', '{"save_path": 5}',
        '{"save_path": ""}', '{"queueing_enabled": null}', '{"queueing_enabled": "perhaps"}',
        '{"max_active_downloads": 1e300}', '{"max_active_downloads": [1]}', '{"dht": false}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_changes_nothing(sonarr, torrents, sent):
    before = (torrents.preferences(), torrents.speed_limits())
    answer = sonarr.post(API + "app/setPreferences", json=sent)
    assert (answer.status, answer.body) == (200, b"")
    assert (torrents.preferences(), torrents.speed_limits()) == before


def test_without_json_it_is_400(sonarr):
    answer = sonarr.post(API + "app/setPreferences")
    assert (answer.status, answer.text) == (400, "Bad Request")


def test_what_cannot_be_stored_is_told(sonarr, torrents):
    torrents.take_no_changes("there is no room in /config")
    answer = prefer(sonarr, start_paused_enabled=True)
    assert answer.status == 500
    assert answer.text.startswith("Nothing was changed")
    assert not shown(sonarr)["start_paused_enabled"]


def test_what_is_as_it_was_is_not_asked_for():
    assert preferred({"max_active_downloads": 3, "save_path": "/d/"}, OLD, "") == {}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
wishes = st.dictionaries(
    st.sampled_from(
        [
            "max_active_downloads", "save_path", "max_ratio", "max_ratio_enabled", "max_ratio_act",
            "queueing_enabled", "max_seeding_time", "max_seeding_time_enabled",
        ]
    ),
    values,
)  # fmt: skip


@settings(deadline=None)
@given(wishes)
def test_no_wish_makes_it_raise_anything_else(sent):
    try:
        new = preferred(sent, OLD, "/unfinished")
    except BadPlace:
        return
    assert isinstance(new.get("max_active_downloads", 0), int)
    assert new.keys() <= set(Preferences.__struct_fields__)


@settings(deadline=None)
@given(values)
def test_values_of_any_kind_are_read_or_passed_over(value):
    assert flag(value) in {None, True, False}
    assert number(value) is None or abs(number(value)) < 2**31
    assert whole_number(value) is None or isinstance(whole_number(value), int)


@settings(deadline=None)
@given(st.text())
def test_text_of_any_kind_is_an_object_or_none(body):
    assert isinstance(decoded(body), dict)
