import os
import pathlib
import re
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.settings import (
    TRANSFER_VARIABLES,
    Settings,
    SettingsError,
    TransferSettings,
    forget_password,
    load,
    load_transfer,
    print_config,
    read_secret,
)
from api.variables import MASK, TABLE, markdown_table, variable

ROOT = pathlib.Path(__file__).parents[2]
PLENTY = 1 << 50
NAMES = [entry.name for entry in TABLE]

SPECIFIED = (
    "ALLDEBRID_API_KEY",
    "STORAGE_TYPE",
    "ARIA2_CONNECTIONS",
    "ARIA2_SPLIT",
    "ARIA2_DISK_CACHE",
    "RAM_BUFFER_PER_DOWNLOAD",
    "MAX_CONCURRENT_DOWNLOADS",
    "WRITE_BATCH_SIZE",
    "DOWNLOAD_LIMIT",
    "ALTERNATIVE_DOWNLOAD_LIMIT",
    "FLUSH_INTERVAL",
    "ENABLE_MMAP",
    "LOG_LEVEL",
    "ENABLE_DASHBOARD",
    "AUTO_EXTRACT",
    "CONFIG_DIR",
    "DOWNLOAD_DIR",
    "HOST",
    "PORT",
    "API_USERNAME",
    "API_PASSWORD",
    "API_SESSION_TIMEOUT",
    "API_MAX_FAILED_LOGINS",
    "API_BAN_DURATION",
    "API_HOSTS",
    "API_TRUSTED_PROXIES",
    "API_MAX_UPLOAD",
    "SONARR_URL",
    "SONARR_API_KEY",
    "RADARR_URL",
    "RADARR_API_KEY",
    "ARR_HANDOVER",
    "ARRPUSH_TOKEN",
    "ARRPUSH_URL",
    "ARRPUSH_DOWNLOAD_CLIENT",
    "ARRPUSH_TORRENT_DIRS",
    "ARRPUSH_LOG",
    "ARRPUSH_RETRY_HOURS",
    "ARRPUSH_KEEP_DAYS",
    "ARRPUSH_KEEP_RELEASES",
    "ARRPUSH_TORRENT_DAYS",
    "ALLDEBRID_API_URL",
    "ALLDEBRID_DELETE_MAGNETS",
    "SSL_CERT_FILE",
    "FILE_ALLOCATION",
)

COMPOSE_FILE = {
    "PUID": "1000",
    "PGID": "1000",
    "TZ": "Europe/Paris",
    "ALLDEBRID_API_KEY": "abcdefghijklmnopqrst",
    "STORAGE_TYPE": "auto",
    "ARIA2_CONNECTIONS": "16",
    "ARIA2_SPLIT": "1",
    "ARIA2_DISK_CACHE": "128M",
    "RAM_BUFFER_PER_DOWNLOAD": "512M",
    "MAX_CONCURRENT_DOWNLOADS": "2",
    "FILE_ALLOCATION": "prealloc",
    "WRITE_BATCH_SIZE": "64M",
    "ENABLE_MMAP": "true",
    "LOG_LEVEL": "INFO",
    "ENABLE_DASHBOARD": "false",
    "AUTO_EXTRACT": "false",
}


def problems(environ, **options):
    with pytest.raises(SettingsError) as caught:
        load(environ, available=PLENTY, **options)
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return caught.value.problems


def test_the_table_holds_every_variable_once():
    assert sorted(NAMES) == sorted(SPECIFIED)


def test_every_default_is_acceptable_and_shown_as_it_is_written():
    for entry in TABLE:
        for default in filter(None, (entry.default, entry.local)):
            shown = entry.kind.show(entry.kind.parse(default))
            is_path = entry.kind.accepts == "a path"
            assert shown == (str(pathlib.Path.cwd() / default) if is_path else default)


def test_every_variable_that_counts_has_a_field():
    fields = {entry.field or entry.name.lower() for entry in TABLE if not entry.no_effect}

    assert fields <= set(Settings.__struct_fields__)


def test_every_variable_of_a_single_download_has_a_field():
    fields = {variable(name).field or name.lower() for name in TRANSFER_VARIABLES}

    assert fields == set(TransferSettings.__struct_fields__)


def test_without_an_environment_the_defaults_hold():
    settings = load({}, available=PLENTY)

    assert settings.alldebrid_api_key == ""
    assert settings.alldebrid_api_key_file is None
    assert settings.alldebrid_api_url == "https://api.alldebrid.com"
    assert settings.alldebrid_delete_magnets is True
    assert settings.config_dir == pathlib.Path("/config")
    assert settings.download_dir == pathlib.Path("/downloads")
    assert (settings.host, settings.port) == ("0.0.0.0", 6500)
    assert settings.login.open
    assert settings.api_session_timeout == 3600
    assert (settings.api_max_failed_logins, settings.api_ban_duration) == (5, 3600)
    assert (settings.api_hosts, settings.api_trusted_proxies) == ((), ())
    assert settings.api_max_upload == 10 << 20
    assert settings.storage_type == "auto"
    assert settings.max_concurrent_downloads == 2
    assert settings.connections == 16
    assert settings.ram_buffer_per_download == 512 << 20
    assert settings.write_batch_size == 64 << 20
    assert settings.flush_interval == 5.0
    assert (settings.download_limit, settings.alternative_download_limit) == (0, 1 << 20)
    assert settings.preallocate is True
    assert settings.ssl_cert_file is None
    assert settings.log_level == "INFO"
    assert settings.local is False
    assert settings.notes == ()


def test_the_process_s_environment_is_read_by_default(monkeypatch):
    monkeypatch.setenv("PORT", "6501")

    assert load().port == 6501


def test_the_specification_s_compose_file_works_unchanged():
    settings = load(COMPOSE_FILE, available=PLENTY)

    assert settings.alldebrid_api_key == "abcdefghijklmnopqrst"
    assert [note.split("=")[0] for note in settings.notes] == [
        "ARIA2_SPLIT",
        "ARIA2_DISK_CACHE",
        "ENABLE_MMAP",
    ]
    assert all("has no effect" in note for note in settings.notes)


@pytest.mark.parametrize("name", ["ENABLE_DASHBOARD", "AUTO_EXTRACT"])
def test_what_is_not_available_is_named_when_it_is_switched_on(name):
    (note,) = load({name: "yes"}, available=PLENTY).notes

    assert note == f"{name}=true has no effect: not available in this version"


def test_names_without_effect_are_validated_all_the_same():
    (problem,) = problems({"ARIA2_DISK_CACHE": "lots"})

    assert problem.startswith("ARIA2_DISK_CACHE='lots': ")


def test_a_set_value_counts():
    settings = load({"RAM_BUFFER_PER_DOWNLOAD": "1G", "PORT": " 6501 "}, available=PLENTY)

    assert settings.ram_buffer_per_download == 1 << 30
    assert settings.port == 6501


def test_a_variable_set_to_nothing_counts_as_not_set():
    blank = dict.fromkeys([*NAMES, "ALLDEBRID_API_KEY_FILE", "API_PASSWORD_FILE"], " ")

    assert load(blank, available=PLENTY) == load({}, available=PLENTY)


@pytest.mark.parametrize(
    ("word", "preallocate"), [("none", False), ("prealloc", True), ("FALLOC", True)]
)
def test_only_no_allocation_switches_preallocation_off(word, preallocate):
    settings = load({"FILE_ALLOCATION": word}, available=PLENTY)

    assert settings.preallocate is preallocate
    assert settings.file_allocation == word.lower()


def test_a_bad_value_is_told_with_its_name_and_what_is_accepted():
    assert problems({"ARIA2_CONNECTIONS": "64"}) == (
        "ARIA2_CONNECTIONS='64': too large; accepted: 1 to 16",
    )
    assert problems({"RAM_BUFFER_PER_DOWNLOAD": "4M"}) == (
        "RAM_BUFFER_PER_DOWNLOAD='4M': too small; accepted: a size from 8M to 64G",
    )


def test_all_bad_values_are_told_at_once_each_on_its_line():
    found = problems({"PORT": "http", "LOG_LEVEL": "LOUD", "FLUSH_INTERVAL": "soon\nor later"})

    assert [line.split("=")[0] for line in found] == ["PORT", "FLUSH_INTERVAL", "LOG_LEVEL"]


def test_a_long_bad_value_is_cut():
    (problem,) = problems({"PORT": "9" * 5000})

    assert len(problem) < 200


def test_a_password_in_a_bad_url_is_not_repeated():
    (problem,) = problems({"ALLDEBRID_API_URL": "https://me:hunter2@host/"})

    assert "hunter2" not in problem


def test_a_bad_secret_is_not_repeated():
    (problem,) = problems({"ALLDEBRID_API_KEY": "my secret key"})

    assert problem.startswith(f"ALLDEBRID_API_KEY={MASK}: ")
    assert "my" not in problem


@given(st.sampled_from(NAMES), st.text(max_size=50))
def test_any_value_is_taken_or_told_in_one_line(name, text):
    try:
        settings = load({"API_USERNAME": "me", "API_PASSWORD": "pw"} | {name: text})
    except SettingsError as error:
        told = error.problems
    else:
        told = settings.notes
    assert all(len(line.splitlines()) == 1 for line in told)


class TestASecretInAFile:
    def test_is_the_first_line_without_blanks_around_it(self, tmp_path):
        file = tmp_path / "key"
        file.write_text("  abcdef123456 \nsomething else\n")

        settings = load({"ALLDEBRID_API_KEY_FILE": str(file)}, available=PLENTY)

        assert settings.alldebrid_api_key == "abcdef123456"
        assert settings.alldebrid_api_key_file == file
        assert read_secret("ALLDEBRID_API_KEY", file) == "abcdef123456"

    def test_may_be_the_password(self, tmp_path):
        file = tmp_path / "password"
        file.write_text("two words")

        settings = load({"API_USERNAME": "me", "API_PASSWORD_FILE": str(file)}, available=PLENTY)

        assert settings.login.admits("me", "two words")
        assert not settings.login.admits("me", "one word")

    def test_cannot_be_given_twice(self, tmp_path):
        file = tmp_path / "key"
        file.write_text("abcdef123456")

        (problem,) = problems({"ALLDEBRID_API_KEY": "x", "ALLDEBRID_API_KEY_FILE": str(file)})

        assert problem == (
            "ALLDEBRID_API_KEY and ALLDEBRID_API_KEY_FILE are both set;"
            " only one of them is accepted"
        )

    def test_is_missed_when_the_file_is_not_there(self, tmp_path):
        path = str(tmp_path / "key")

        assert problems({"ALLDEBRID_API_KEY_FILE": path}) == (
            f"ALLDEBRID_API_KEY_FILE='{path}': the file cannot be read (No such file or directory)",
        )

    @pytest.mark.parametrize("content", [b"", b"\n", b"  \nkey\n"])
    def test_is_missed_when_the_first_line_is_empty(self, tmp_path, content):
        file = tmp_path / "key"
        file.write_bytes(content)

        (problem,) = problems({"ALLDEBRID_API_KEY_FILE": str(file)})

        assert problem.endswith("the first line of the file is empty")

    @pytest.mark.parametrize("content", [b"top secret", b"topsecret\xff", b"\x00topsecret"])
    def test_is_never_repeated_when_it_is_not_acceptable(self, tmp_path, content):
        file = tmp_path / "key"
        file.write_bytes(content)

        (problem,) = problems({"ALLDEBRID_API_KEY_FILE": str(file)})

        assert str(file) in problem
        assert "top" not in problem

    def test_may_be_behind_links(self, tmp_path):
        file = tmp_path / "..data" / "key"
        file.parent.mkdir()
        file.write_text("abcdef123456")
        (tmp_path / "data").symlink_to("..data")
        (tmp_path / "key").symlink_to("data/key")

        assert read_secret("ALLDEBRID_API_KEY", tmp_path / "key") == "abcdef123456"

    def test_may_be_in_a_file_that_is_open_already(self, tmp_path):
        file = tmp_path / "key"
        file.write_text("abcdef123456")

        with file.open("rb") as opened:
            path = pathlib.Path(f"/dev/fd/{opened.fileno()}")
            assert read_secret("ALLDEBRID_API_KEY", path) == "abcdef123456"

    def test_is_not_waited_for_at_a_pipe(self, tmp_path):
        pipe = tmp_path / "key"
        os.mkfifo(pipe)

        assert problems({"ALLDEBRID_API_KEY_FILE": str(pipe)}) == (
            f"ALLDEBRID_API_KEY_FILE='{pipe}': the file cannot be read (not a regular file)",
        )

    @pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/"])
    def test_is_looked_for_in_nothing_but_a_file(self, path):
        (problem,) = problems({"ALLDEBRID_API_KEY_FILE": path})

        assert problem.endswith(f"='{path}': the file cannot be read (not a regular file)")

    def test_exists_only_for_secrets(self, tmp_path):
        file = tmp_path / "port"
        file.write_text("1")

        assert load({"PORT_FILE": str(file)}, available=PLENTY).port == 6500


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("API_USERNAME", "API_PASSWORD"),
        ("API_PASSWORD", "API_USERNAME"),
        ("SONARR_API_KEY", "SONARR_URL"),
        ("RADARR_API_KEY", "RADARR_URL"),
    ],
)
def test_half_a_pair_is_refused(given, missing):
    (problem,) = problems({given: "value"})

    assert problem.startswith(f"{given} is set and {missing} is not")


def test_all_halves_are_told_at_once():
    found = problems({"SONARR_URL": "http://sonarr:8989", "RADARR_URL": "http://radarr:7878"})

    assert [problem.partition(" ")[0] for problem in found] == ["SONARR_URL", "RADARR_URL"]


def test_sonarr_and_radarr_are_told_when_they_are_set(tmp_path):
    (tmp_path / "key").write_text("0123456789abcdef\n")
    settings = load(
        {
            "SONARR_URL": "http://sonarr:8989/sonarr/",
            "SONARR_API_KEY_FILE": str(tmp_path / "key"),
            "ARR_HANDOVER": "off",
        },
        available=PLENTY,
    )

    assert settings.sonarr_url == "http://sonarr:8989/sonarr"
    assert settings.sonarr_api_key == "0123456789abcdef"
    assert (settings.radarr_url, settings.radarr_api_key) == ("", "")
    assert settings.arr_handover is False
    assert "0123456789abcdef" not in repr(settings) + print_config(settings)
    assert load({}, available=PLENTY).arr_handover is True


def test_the_password_is_kept_nowhere_in_clear(monkeypatch):
    for name, value in {"API_USERNAME": "me", "API_PASSWORD": "hunter2hunter2"}.items():
        monkeypatch.setenv(name, value)

    settings = load(available=PLENTY)
    forget_password()

    assert settings.login.admits("me", "hunter2hunter2")
    assert "hunter2" not in repr(settings) + print_config(settings) + str(
        msgspec.structs.asdict(settings)
    )
    assert "API_PASSWORD" not in os.environ
    forget_password()


def test_names_and_networks_are_lists_with_commas_or_blanks():
    settings = load(
        {
            "API_HOSTS": "QBT.example.com., *.media.example;nas",
            "API_TRUSTED_PROXIES": "172.18.0.5 10.0.0.0/8,fd00::1/64",
        },
        available=PLENTY,
    )

    assert settings.api_hosts == ("qbt.example.com", "*.media.example", "nas")
    assert [str(one) for one in settings.api_trusted_proxies] == [
        "172.18.0.5/32",
        "10.0.0.0/8",
        "fd00::/64",
    ]
    assert "API_HOSTS=qbt.example.com,*.media.example,nas " in print_config(settings)


def test_a_batch_is_at_most_half_of_the_buffer():
    settings = load({"RAM_BUFFER_PER_DOWNLOAD": "64M", "WRITE_BATCH_SIZE": "64M"}, available=PLENTY)

    assert settings.write_batch_size == 32 << 20
    assert settings.notes == (
        "WRITE_BATCH_SIZE=64M lowered to 32M, half of RAM_BUFFER_PER_DOWNLOAD",
    )


def test_a_batch_by_default_is_lowered_without_a_word():
    settings = load({"RAM_BUFFER_PER_DOWNLOAD": "8M"}, available=PLENTY)

    assert settings.write_batch_size == 4 << 20
    assert settings.notes == ()


def test_buffers_larger_than_the_memory_are_noted_and_taken():
    settings = load({"MAX_CONCURRENT_DOWNLOADS": "8"}, available=2 << 30)

    assert settings.max_concurrent_downloads == 8
    (note,) = settings.notes
    assert note == (
        "RAM_BUFFER_PER_DOWNLOAD=512M x MAX_CONCURRENT_DOWNLOADS=8 may take 4.0 GiB,"
        " more than the 2.0 GiB of memory there is"
    )


def test_buffers_are_not_judged_where_the_memory_is_not_known():
    assert load({"MAX_CONCURRENT_DOWNLOADS": "64"}, available=0).notes == ()


class TestLocal:
    def test_keeps_everything_below_the_current_folder_and_to_this_machine(self):
        settings = load({}, local=True, available=PLENTY)

        assert settings.config_dir == pathlib.Path.cwd() / "data/config"
        assert settings.download_dir == pathlib.Path.cwd() / "data/downloads"
        assert settings.host == "127.0.0.1"
        assert settings.local is True

    def test_leaves_what_is_set_alone(self):
        settings = load({"HOST": "::", "CONFIG_DIR": "/c"}, local=True, available=PLENTY)

        assert settings.host == "::"
        assert settings.config_dir == pathlib.Path("/c")


class TestWhatIsInForce:
    def test_is_printed_with_its_origin_and_without_secrets(self, tmp_path):
        file = tmp_path / "key"
        file.write_text("abcdef123456")
        settings = load(
            {
                "ALLDEBRID_API_KEY_FILE": str(file),
                "API_USERNAME": "me",
                "API_PASSWORD": "hunter2hunter2",
                "PORT": "1234",
                "RAM_BUFFER_PER_DOWNLOAD": "16M",
                "ENABLE_MMAP": "false",
            },
            local=True,
            available=PLENTY,
        )

        text = print_config(settings)
        lines = dict(re.split(r" +# ", line) for line in text.splitlines())

        assert lines[f"ALLDEBRID_API_KEY={MASK}"] == f"file {file}"
        assert lines[f"API_PASSWORD={MASK}"] == "environment"
        assert lines["PORT=1234"] == "environment"
        assert lines["HOST=127.0.0.1"] == "default with --local"
        assert lines["STORAGE_TYPE=auto"] == "default"
        assert lines["SSL_CERT_FILE="] == "default"
        assert lines["ENABLE_MMAP=false"] == "environment, no effect"
        assert lines["WRITE_BATCH_SIZE=8M"] == (
            "default, lowered to half of RAM_BUFFER_PER_DOWNLOAD"
        )
        assert [line.split("=")[0] for line in lines] == NAMES
        assert "abcdef" not in text
        assert "hunter2" not in text

    def test_shows_that_there_is_no_key(self):
        assert "ALLDEBRID_API_KEY= " in print_config(load({}, available=PLENTY))

    def test_is_the_repr_and_holds_no_secret(self):
        settings = load(COMPOSE_FILE, available=PLENTY)

        assert "PORT=6500" in repr(settings)
        assert COMPOSE_FILE["ALLDEBRID_API_KEY"] not in repr(settings)


class TestASingleDownload:
    def test_needs_only_its_own_variables(self):
        transfer = load_transfer(environ={"PORT": "nonsense", "ARIA2_CONNECTIONS": "3"})

        assert transfer.connections == 3
        assert transfer.log_level == ""

    def test_takes_what_is_given_before_the_environment(self):
        environ = {"ARIA2_CONNECTIONS": "3", "LOG_LEVEL": "DEBUG"}

        transfer = load_transfer({"ARIA2_CONNECTIONS": "5"}, environ)

        assert transfer.connections == 5
        assert transfer.log_level == "DEBUG"

    def test_has_a_batch_that_fits_its_buffer(self):
        transfer = load_transfer({"RAM_BUFFER_PER_DOWNLOAD": "8M"}, {})

        assert transfer.write_batch_size == 4 << 20

    def test_refuses_a_bad_value(self):
        with pytest.raises(SettingsError, match="FLUSH_INTERVAL='now'"):
            load_transfer(environ={"FLUSH_INTERVAL": "now"})


class TestTheTableForReaders:
    def test_stands_in_the_readme_word_for_word(self):
        readme = (ROOT / "README.md").read_text()
        found = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", readme, re.DOTALL)

        assert found, "README.md has no settings between its markers"
        assert found[1].strip() == markdown_table()

    def test_names_every_variable_and_the_files_of_secrets(self):
        table = markdown_table()

        assert all(f"`{name}`" in table for name in NAMES)
        assert "`ALLDEBRID_API_KEY_FILE`" in table
        assert "`API_PASSWORD_FILE`" in table

    def test_has_four_cells_in_every_line(self):
        assert all(line.count("|") == 5 for line in markdown_table().splitlines())

    def test_is_printed_by_the_module(self):
        printed = subprocess.run(
            [sys.executable, "-m", "api.settings"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )

        assert printed.stdout.strip() == markdown_table()


def test_nothing_else_reads_the_environment():
    for file in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("api/**/*.py")]:
        if file.name != "settings.py":
            assert not re.search(r"\benviron\b|\bgetenv\b", file.read_text()), file
