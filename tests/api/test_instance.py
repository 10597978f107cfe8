import multiprocessing

import pytest

from api.instance import AlreadyRunning, only_one


def hold(folder, held, done):
    with only_one(folder):
        held.set()
        done.wait(30)


def test_a_second_service_is_refused_by_the_folder_it_wants(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=hold, args=(tmp_path, held, done))
    other.start()
    assert held.wait(30)

    with pytest.raises(AlreadyRunning, match=str(tmp_path)), only_one(tmp_path):
        pass

    done.set()
    other.join()
    with only_one(tmp_path):
        pass


def test_a_service_that_was_killed_holds_nothing(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=hold, args=(tmp_path, held, done))
    other.start()
    assert held.wait(30)
    other.kill()
    other.join()

    with only_one(tmp_path):
        pass


def test_a_folder_that_cannot_hold_the_lock_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError), only_one(tmp_path / "missing"):
        pass
