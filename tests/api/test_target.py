import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.target import LONGEST_NAME, Refused, check_free, locked, name_from, target_of
from engine.transfer.urls import Url, parse_url

FILM = parse_url("https://host/dl/abc/Some%20Film.mkv?token=x")


class TestTheName:
    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("/film.mkv", "film.mkv"),
            ("/dl/x/Some%20Film.mkv", "Some Film.mkv"),
            ("/film.mkv?name=other", "film.mkv"),
            ("/caf%C3%A9.txt", "café.txt"),
            ("/caf%E9.txt", "caf\ufffd.txt"),
            ("/..%2F..%2Fetc%2Fpasswd", ".._.._etc_passwd"),
            ("/a%00b", "a_b"),
            ("/.htaccess", ".htaccess"),
            ("", "download"),
            ("/", "download"),
            ("/folder/", "download"),
            ("/..", "download"),
            ("/%2e%2e", "download"),
            ("/%20", "download"),
        ],
    )
    def test_is_the_last_part_of_the_address(self, path, name):
        assert name_from(parse_url(f"https://host{path}")) == name

    def test_leaves_room_for_what_stands_beside_the_file(self):
        name = name_from(parse_url(f"https://host/{'x' * 300}.mkv"))

        assert name.endswith("x.mkv")
        assert len(name) == LONGEST_NAME

    @given(st.text(max_size=400))
    def test_is_one_safe_name_whatever_the_address(self, text):
        url = Url(scheme="https", host="host", port=443, target="/" + text)

        name = name_from(url)

        assert name not in {"", ".", ".."}
        assert "/" not in name
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)
        assert len(name.encode()) <= LONGEST_NAME

    @given(st.binary(min_size=1, max_size=300))
    def test_is_one_safe_name_whatever_is_encoded_in_the_address(self, data):
        target = "/" + "".join(f"%{byte:02x}" for byte in data)

        name = name_from(Url(scheme="https", host="host", port=443, target=target))

        assert "/" not in name
        assert 0 < len(name.encode()) <= LONGEST_NAME


class TestTheTarget:
    def test_is_the_file_that_was_named(self, tmp_path):
        assert target_of(str(tmp_path / "a.bin"), FILM) == tmp_path / "a.bin"

    def test_is_in_the_folder_that_was_named(self, tmp_path):
        assert target_of(str(tmp_path), FILM) == tmp_path / "Some Film.mkv"
        assert target_of(f"{tmp_path}/", FILM) == tmp_path / "Some Film.mkv"

    def test_is_in_the_current_folder_when_nothing_was_named(self):
        assert target_of("", FILM) == Path("Some Film.mkv")

    def test_is_not_standard_output(self):
        with pytest.raises(Refused, match="needs a file"):
            target_of("-", FILM)

    @pytest.mark.parametrize("output", ["missing/a.bin", "missing/"])
    def test_needs_its_folder(self, tmp_path, output):
        with pytest.raises(Refused, match=rf"there is no folder {tmp_path}/missing"):
            target_of(f"{tmp_path}/{output}", FILM)

    @pytest.mark.parametrize("length", [LONGEST_NAME + 1, 255, 256, 5000])
    @pytest.mark.parametrize("letter", ["x", "é"])
    def test_has_no_name_that_is_too_long(self, tmp_path, length, letter):
        name = "f" * (length % len(letter.encode())) + letter * (length // len(letter.encode()))

        with pytest.raises(Refused) as refused:
            target_of(str(tmp_path / name), FILM)

        assert str(refused.value) == (
            f"the file name {name[:40]}... has {length} bytes and may have {LONGEST_NAME}:"
            " what stands beside the unfinished file must have a name as well"
        )

    def test_may_have_the_longest_name_that_leaves_room(self, tmp_path):
        path = tmp_path / ("x" * LONGEST_NAME)

        assert target_of(str(path), FILM) == path
        path.with_name(f"{path.name}.part.resume.new").touch()

    def test_may_be_in_a_folder_with_any_name(self, tmp_path):
        folder = tmp_path / ("x" * 255)
        folder.mkdir()

        assert target_of(str(folder), FILM) == folder / "Some Film.mkv"

    def test_is_refused_where_the_way_there_is_too_long(self, tmp_path):
        with pytest.raises(Refused, match="File name too long"):
            target_of(str(tmp_path / ("x" * 256) / "a.bin"), FILM)


class TestAPlaceThatIsTaken:
    def test_is_refused(self, tmp_path):
        file = tmp_path / "a"
        file.write_bytes(b"")

        with pytest.raises(Refused, match="--overwrite replaces it"):
            check_free(file, overwrite=False)

    def test_is_free_to_be_overwritten(self, tmp_path):
        file = tmp_path / "a"
        file.write_bytes(b"")

        check_free(file, overwrite=True)

    def test_may_be_a_link_that_leads_nowhere(self, tmp_path):
        link = tmp_path / "a"
        link.symlink_to("missing")

        with pytest.raises(Refused, match="--overwrite replaces it"):
            check_free(link, overwrite=False)

    @pytest.mark.parametrize("path", ["/dev/null", "/proc"])
    def test_is_refused_for_good_when_it_is_no_file(self, path):
        with pytest.raises(Refused, match="is no file"):
            check_free(Path(path), overwrite=True)

    def test_cannot_be_below_a_file(self, tmp_path):
        (tmp_path / "a").write_bytes(b"")

        with pytest.raises(Refused, match="Not a directory"):
            check_free(tmp_path / "a" / "b", overwrite=True)

    def test_is_free_when_nothing_is_there(self, tmp_path):
        check_free(tmp_path / "a", overwrite=False)


class TestTheLock:
    def test_makes_the_file(self, tmp_path):
        with locked(tmp_path / "a.part") as descriptor:
            assert os.path.samestat(os.fstat(descriptor), (tmp_path / "a.part").stat())

    def test_keeps_what_is_in_the_file(self, tmp_path):
        part = tmp_path / "a.part"
        part.write_bytes(b"bytes")

        with locked(part):
            assert part.read_bytes() == b"bytes"

    def test_is_for_one_at_a_time(self, tmp_path):
        part = tmp_path / "a.part"

        with locked(part), pytest.raises(Refused, match="by another process"), locked(part):
            pass
        with locked(part):
            pass

    def test_is_not_on_a_file_that_was_renamed_away(self, tmp_path):
        part = tmp_path / "a.part"

        with locked(part):
            part.rename(tmp_path / "a")
            with locked(part):
                assert part.exists()

    def test_is_refused_where_the_folder_is_missing(self, tmp_path):
        with (
            pytest.raises(Refused, match=r"cannot write .*: No such file or directory"),
            locked(tmp_path / "missing" / "a.part"),
        ):
            pass

    def test_is_refused_where_nobody_may_write(self):
        with (
            pytest.raises(Refused, match=r"cannot write /sys/a\.part: Permission denied"),
            locked(Path("/sys/a.part")),
        ):
            pass

    def test_is_refused_on_what_is_no_file(self, tmp_path):
        os.mkfifo(tmp_path / "a.part")

        with pytest.raises(Refused, match="is no file"), locked(tmp_path / "a.part"):
            pass

    def test_does_not_follow_links(self, tmp_path):
        (tmp_path / "a.part").symlink_to(tmp_path / "b")

        with pytest.raises(Refused, match="cannot write"), locked(tmp_path / "a.part"):
            pass
        assert not (tmp_path / "b").exists()

    def test_leaves_no_descriptor_open(self, tmp_path):
        before = len(list(Path("/proc/self/fd").iterdir()))
        part = tmp_path / "a.part"
        for _ in range(20):
            with locked(part), pytest.raises(Refused), locked(part):
                pass

        assert len(list(Path("/proc/self/fd").iterdir())) == before
