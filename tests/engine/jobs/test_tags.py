"""The tags there are, and those that torrents have."""

import random

import pytest

from engine.jobs.tags import cleaned
from tests.engine.jobs.world import Torrent

FILM = Torrent("Film.2024.mkv", random.Random(9).randbytes(1000))


def test_only_tags_that_can_be_listed_by_commas_are_taken():
    assert cleaned([" a ", "", "b,c", "a", "\t", "d e"]) == ["a", "d e"]


async def test_tags_are_created_listed_kept_and_deleted(world):
    await world.start()
    await world.jobs.create_tags(["tv", "Anime", " tv ", "", "no,comma"])
    await world.jobs.create_tags(["tv"])
    assert world.jobs.tags() == ["Anime", "tv"]

    await world.restart()

    assert world.jobs.tags() == ["Anime", "tv"]
    await world.jobs.delete_tags(["tv", "unknown"])
    assert world.jobs.tags() == ["Anime"]
    await world.restart()
    assert world.jobs.tags() == ["Anime"]


async def test_a_tag_that_a_torrent_gets_is_there_from_then_on(world):
    await world.start()
    await world.add(FILM, paused=True, tags=(" one", "bad,one"))
    await world.jobs.add_tags(None, ["two ", ""])

    assert world.view(FILM).record.tags == ("one", "two")
    assert world.jobs.tags() == ["one", "two"]
    await world.jobs.remove_tags(None, [])
    assert world.jobs.tags() == ["one", "two"]


async def test_a_deleted_tag_is_taken_from_all_torrents(world):
    await world.start()
    await world.add(FILM, paused=True, tags=("one", "two"))
    await world.jobs.delete_tags(["one"])
    await world.restart()

    assert world.view(FILM).record.tags == ("two",)
    assert world.jobs.tags() == ["two"]


@pytest.mark.parametrize("deleted", [[], ["", " "]])
async def test_deleting_no_tag_takes_none(world, deleted):
    await world.start()
    await world.add(FILM, paused=True, tags=("one",))
    await world.jobs.delete_tags(deleted)
    assert world.view(FILM).record.tags == ("one",)
