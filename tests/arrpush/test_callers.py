"""By which address the programs reach us: learnt from themselves, and from nobody else."""

import asyncio
import contextlib
import gc

import pytest

from arrpush.callers import ADDRESSES, LOOKS_APART, Callers, resolved
from engine.store import values
from engine.store.errors import StoreError
from engine.store.store import Store

AGENT = "Sonarr/4.0.15.2941 (debian 12)"
BASE = "http://nas:6500"
HERE, ELSEWHERE = "10.0.0.7", "10.0.0.66"
URLS = {"sonarr": "http://sonarr.lan:8989/base", "radarr": "https://10.0.0.8:7878"}


class Names:
    """Resolves names as the test says, and counts."""

    def __init__(self) -> None:
        self.addresses = {"sonarr.lan": [HERE], "10.0.0.8": ["10.0.0.8"]}
        self.asked = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, host):
        self.asked.append(host)
        await self.gate.wait()
        found = self.addresses.get(host)
        if found is None:
            raise OSError("no such host")
        return found


class World:
    def __init__(self, path) -> None:
        self.path = path
        self.names = Names()
        self.now = 1000.0
        self.store = Store(path)
        self.callers = self.new()

    def new(self, urls=URLS):
        return Callers(self.store, urls, lambda: self.now, self.names)

    async def calls(self, agent=AGENT, base=BASE, address=HERE):
        """Have somebody call, and return where the Sonarr is thought to reach us then."""
        self.callers.called(agent, base, address)
        await self.settles()
        return self.callers.base("sonarr")

    async def settles(self):
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    world = World(tmp_path / "store.db")
    yield world
    await world.callers.stop()
    world.store.close()
    gc.collect()  # a task that failed is told of when it goes
    assert failures == []


def others():
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_nothing_is_known_before_somebody_has_called(world):
    await world.callers.load()

    assert world.callers.base("sonarr") == ""
    assert repr(world.callers) == "<Callers nobody yet>"


class TestWhoIsBelieved:
    async def test_the_program_itself_by_the_address_of_its_name(self, world):
        assert await world.calls() == BASE
        assert world.names.asked == ["sonarr.lan"]

    async def test_nobody_else_in_the_network(self, world):
        assert await world.calls(address=ELSEWHERE) == ""

    async def test_who_has_logged_in_wherever_he_is(self, world):
        assert await world.calls(address="") == BASE
        assert world.names.asked == []

    async def test_a_program_is_no_other(self, world):
        await world.calls("Radarr/5.0 (alpine)", "http://elsewhere:1", "10.0.0.8")

        assert world.callers.base("sonarr") == ""
        assert world.callers.base("radarr") == "http://elsewhere:1"

    async def test_a_program_does_not_speak_for_another(self, world):
        assert await world.calls(AGENT, address="10.0.0.8") == ""

    @pytest.mark.parametrize("agent", ["sonarr/4", "SONARR/4.0", "Sonarr/"])
    async def test_the_agent_is_read_in_any_case(self, world, agent):
        assert await world.calls(agent) == BASE

    @pytest.mark.parametrize(
        "agent",
        [
            *("", "Sonarr", "Sonarr-4k/4.0", "Sonarrr/4", "Son", "My Sonarr/4", "/"),
            *("qBittorrent", "Lidarr/2.0", "Prowlarr/1.0 sonarr/4"),
        ],
    )
    @pytest.mark.parametrize("address", ["", HERE])
    async def test_any_other_agent_teaches_nothing(self, world, agent, address):
        assert world.callers.program(agent) == ""
        assert await world.calls(agent, address=address) == ""
        assert world.names.asked == []

    async def test_a_program_that_is_not_set_up_is_nobody(self, world):
        callers = world.new({"radarr": URLS["radarr"]})
        callers.called(AGENT, BASE, "")

        assert callers.program(AGENT) == ""
        assert callers.base("sonarr") == ""

    @pytest.mark.parametrize("address", ["", HERE])
    async def test_who_does_not_say_how_he_reaches_us_teaches_nothing(self, world, address):
        await world.calls(address=address)

        assert await world.calls(base="", address=address) == BASE
        assert len(world.names.asked) == (1 if address else 0)

    async def test_one_address_of_many_is_enough(self, world):
        world.names.addresses["sonarr.lan"] = ["fd00::7", "192.168.1.7", HERE]

        assert await world.calls() == BASE

    @pytest.mark.parametrize(
        ("known", "address"),
        [
            (HERE, f"::ffff:{HERE}"),
            (f"::ffff:{HERE}", HERE),
            (HERE, "::FFFF:0a00:0007"),
            ("fd00::7", "FD00:0:0::0007"),
            ("fe80::7%eth0", "fe80::7"),
            ("fe80::7", "fe80::7%3"),
        ],
    )
    async def test_an_address_is_the_same_in_any_spelling(self, world, known, address):
        world.names.addresses["sonarr.lan"] = [known]

        assert await world.calls(address=address) == BASE

    @pytest.mark.parametrize("address", ["10.0.0.70", "::7", "::ffff:10.0.0.66", "fd00::7"])
    async def test_an_address_that_is_only_like_it_is_another(self, world, address):
        assert await world.calls(address=address) == ""

    @pytest.mark.parametrize("address", ["unix", "testclient", "10.0.0.7:80", "10.0.0", "sonarr"])
    async def test_what_is_no_address_is_nobody_s_and_no_failure(self, world, address):
        assert await world.calls(address=address) == ""

    @pytest.mark.parametrize("known", [None, [], ["nonsense"]])
    async def test_a_program_whose_address_nobody_knows_is_not_believed(self, world, known):
        world.names.addresses = {"sonarr.lan": known}

        assert await world.calls() == ""
        assert others() == set()

    @pytest.mark.parametrize("url", ["", "nonsense", "http://"])
    async def test_a_program_with_a_url_that_leads_nowhere_is_not_believed(self, world, url):
        world.callers = world.new({"sonarr": url})

        assert await world.calls() == ""

    async def test_it_is_looked_for_as_the_system_does(self):
        assert set(await resolved("127.0.0.1")) == {"127.0.0.1"}

    async def test_a_name_that_none_can_have_is_no_failure(self, world):
        url = f"http://{'a' * 64}.invalid:8989"
        world.callers = Callers(world.store, {"sonarr": url}, lambda: world.now)
        with pytest.raises(ValueError, match="too long"):
            await resolved("a" * 64)

        await world.calls()
        async with asyncio.timeout(20):
            await asyncio.gather(*others())
        assert world.callers.base("sonarr") == ""


class TestLooks:
    async def test_there_is_one_a_minute_however_often_somebody_claims_to_be_it(self, world):
        for number in range(100):
            await world.calls(base=f"http://evil:{number}", address=ELSEWHERE)
        assert world.names.asked == ["sonarr.lan"]

        world.now += LOOKS_APART - 0.1
        await world.calls(base="http://evil:1", address=ELSEWHERE)
        assert len(world.names.asked) == 1
        world.now += 0.1
        assert await world.calls() == BASE
        assert len(world.names.asked) == 2

    async def test_somebody_who_claims_to_be_it_does_not_keep_it_from_being_heard(self, world):
        assert await world.calls(address=ELSEWHERE) == ""
        assert await world.calls() == BASE

    async def test_of_many_who_claim_to_be_it_not_all_are_remembered(self, world):
        for number in range(3 * ADDRESSES):
            await world.calls(address=f"10.1.0.{number}")

        assert len(world.callers._looked_at) == ADDRESSES

    async def test_each_program_has_its_own(self, world):
        await world.calls(base="http://evil:1", address=ELSEWHERE)
        await world.calls("Radarr/5", BASE, "10.0.0.8")

        assert world.names.asked == ["sonarr.lan", "10.0.0.8"]
        assert world.callers.base("radarr") == BASE

    async def test_who_says_what_is_known_needs_none(self, world):
        for _ in range(9):
            await world.calls()
            world.now += LOOKS_APART

        assert len(world.names.asked) == 1

    async def test_none_lies_in_the_way_of_the_question_that_led_to_it(self, world):
        world.names.gate.clear()
        world.callers.called(AGENT, BASE, HERE)
        await world.settles()
        assert world.callers.base("sonarr") == ""
        world.names.gate.set()
        await world.settles()

        assert world.callers.base("sonarr") == BASE
        assert others() == set()

    async def test_what_is_under_way_at_the_end_is_given_up(self, world):
        world.names.gate.clear()
        world.callers.called(AGENT, BASE, HERE)
        await world.settles()
        await world.callers.stop()

        assert others() == set()
        assert world.callers.base("sonarr") == ""


class TestRestart:
    async def again(self, world, urls=URLS):
        callers = world.new(urls)
        await callers.load()
        return callers

    @pytest.mark.parametrize("address", ["", HERE])
    async def test_what_was_learnt_is_known_at_once(self, world, address):
        await world.calls(address=address)
        callers = await self.again(world)

        assert (callers.base("sonarr"), callers.base("radarr")) == (BASE, "")

    async def test_what_was_learnt_last_counts(self, world):
        await world.calls(address="")
        await world.calls(base="http://nas.lan:1", address="")

        assert world.callers.base("sonarr") == "http://nas.lan:1"
        assert (await self.again(world)).base("sonarr") == "http://nas.lan:1"

    async def test_of_a_program_that_is_not_set_up_any_more_nothing_is_known(self, world):
        await world.calls()

        assert (await self.again(world, {"radarr": URLS["radarr"]})).base("sonarr") == ""

    async def test_what_nobody_was_believed_is_not_stored(self, world):
        await world.calls(address=ELSEWHERE)

        found = await world.store.run(lambda db: values.get(db, "arrpush_base_sonarr"))
        assert found is None

    async def test_a_store_that_fails_is_no_reason_to_answer_nobody(self, world):
        world.store.close()

        assert await world.calls() == BASE
        assert await world.calls(base="http://nas:1", address="") == "http://nas:1"
        with contextlib.suppress(StoreError):
            await self.again(world)
