"""The command line: `alldebrid-client` with `serve`, `get`, `bench` and `push`.

Each command imports its own modules when it runs, so that `get` does not carry a web server.

Exit status: 0 done, 1 failed with one line on stderr for each reason, 2 wrong usage, 130 and 143
ended by Ctrl-C and SIGTERM. What else `push` has is in its --help.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from api import kinds, logs, settings, streams
from api.sizes import BadSize, parse_rate
from api.variables import variable

PROGRAM = "alldebrid-client"

GET_FLAGS = (
    ("--connections", "ARIA2_CONNECTIONS", "N"),
    ("--ram-buffer", "RAM_BUFFER_PER_DOWNLOAD", "SIZE"),
    ("--write-batch", "WRITE_BATCH_SIZE", "SIZE"),
    ("--ca", "SSL_CERT_FILE", "FILE"),
)
"""Flags of `get` that go before the variable of the same meaning."""

_OF_A_URL = (
    *((flag, name) for flag, name, _metavar in GET_FLAGS if flag != "--ca"),
    ("--limit", "limit"),
    ("--runs", "runs"),
    ("--output-dir", "output_dir"),
)
_OF_A_SERVICE = tuple(
    (f"--{name}", name) for name in ("torrent", "username", "password", "timeout")
)
"""Flags of `bench`, and where they are put, that only one way of it knows."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which Python lets another thread run. With its default of 0.005 one busy thread
slows sixteen that receive TLS records to a tenth; at this value it costs them a third."""

logger = logging.getLogger("api.cli")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; `arguments` are the process's by default."""
    streams.open_closed()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
    except settings.SettingsError as error:
        for problem in error.problems:
            complain(problem)
        return 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except streams.OutputLost as lost:
        if str(lost):
            complain(str(lost))
        return 1
    finally:
        streams.settle()
    return status


def complain(sentence: str) -> None:
    """Print one line of error on stderr, masked."""
    streams.tell(f"{PROGRAM}: {logs.one_line(logs.MASKER.mask(sentence))}")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and no secret of what was typed."""

    def print_help(self, file: Any = None) -> None:
        if file is None:
            streams.say(self.format_help().rstrip())
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        complain(f"{message}; {self.prog} --help tells what there is")
        sys.exit(2)


class _Version(argparse.Action):
    def __call__(self, *_: Any) -> None:
        # Reading it takes longer than parsing the rest of the command line.
        from importlib.metadata import version  # noqa: PLC0415

        streams.say(f"{PROGRAM} {version('alldebrid-client')}")
        sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="A download client for AllDebrid that Sonarr and Radarr take for a"
        " qBittorrent, and its download engine as a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_get(commands)
    _add_bench(commands)
    _add_push(commands)
    return parser


def _add_serve(commands: Any) -> None:
    parser = commands.add_parser(
        "serve",
        help="run the service",
        description="Run the service. It is set up with environment variables; see the README,"
        " or --print-config for what is in force.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="for trying it out: CONFIG_DIR and DOWNLOAD_DIR default to ./data/config and"
        " ./data/downloads, and HOST to 127.0.0.1, so that only this machine can connect",
    )
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print the settings in force, secrets masked, and where each comes from",
    )
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    config = settings.load(local=options.local)
    if options.print_config:
        streams.say(settings.print_config(config))
        return 0
    settings.forget_password()
    secrets = (config.alldebrid_api_key, config.sonarr_api_key, config.radarr_api_key)
    for secret in (*secrets, config.arrpush_token):
        logs.hide(secret)
    logs.configure(config.log_level)
    for note in config.notes:
        logger.warning("settings=noted note=%s", note)
    from api import lean  # noqa: PLC0415 - see the module's text

    lean.begin()
    from api.serve import serve  # noqa: PLC0415

    try:
        status: int = serve(config, complain)
    except Exception:
        # A bug of ours: in the log it is masked, on its way out of the process it would not be.
        logger.exception("serve=failed")
        return 1
    return status


def _add_get(commands: Any) -> None:
    parser = commands.add_parser(
        "get",
        help="download a URL",
        description="Download an http or https URL over several connections. What was"
        " downloaded is kept in FILE.part until all of it is there; run again, it goes on.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("url", metavar="URL")
    add("-o", "--output", metavar="FILE", help="file or folder; by default the name in the URL")
    add("--overwrite", action="store_true", help="replace FILE if it is there")
    _add_transfer_flags(parser)
    add("--limit", metavar="RATE", type=_rate, default=0, help="bytes a second, such as 10M")
    add("--sha256", action="store_true", help="hash the file on the way and print the hash")
    add("--json", action="store_true", help="print one JSON object about this run at the end")
    add("--quiet", action="store_true", help="no progress bar and no summary, only errors")
    parser.set_defaults(run=_get)


def _add_transfer_flags(parser: argparse._ActionsContainer) -> None:
    for flag, name, metavar in GET_FLAGS:
        of = variable(name)
        default = f" (default {of.default})" if of.default else ""
        meaning = of.meaning[0].lower() + of.meaning[1:].rstrip(".")
        text = f"{meaning}{default}; also as {name}"
        parser.add_argument(flag, dest=name, metavar=metavar, type=_argument(of.kind), help=text)


def _transfer(options: argparse.Namespace) -> settings.TransferSettings:
    """Return the settings of a command that downloads, and set its logging up."""
    given = {name: getattr(options, name) for _flag, name, _metavar in GET_FLAGS}
    transfer = settings.load_transfer({name: text for name, text in given.items() if text})
    # Without a level of one's own only the command speaks: log lines would tear the bar apart.
    logs.configure(transfer.log_level or "CRITICAL")
    return transfer


def _get(options: argparse.Namespace) -> int:
    transfer = _transfer(options)
    from api.get import Options, get  # noqa: PLC0415 - see the module's text

    wanted = Options(
        url=options.url,
        output=options.output or "",
        overwrite=options.overwrite,
        transfer=transfer,
        limit=options.limit,
        sha256=options.sha256,
        json=options.json,
        quiet=options.quiet,
    )
    return get(wanted, complain)


def _add_bench(commands: Any) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure a download",
        usage=f"{PROGRAM} bench [options] URL\n"
        f"       {PROGRAM} bench [options] --service URL --torrent FILE|MAGNET",
        description="Measure how fast and steady a download is and what it costs: of one URL with"
        " the engine, or of a torrent by a running service, which is asked through its qBittorrent"
        " Web API. What was downloaded is removed again.",
        allow_abbrev=False,
    )
    parser.add_argument("url", metavar="URL", nargs="?", help="an http or https URL")
    parser.add_argument("--keep", action="store_true", help="keep the file, or the torrent")
    parser.add_argument("--json", action="store_true", help="print one JSON object, no table")
    group = parser.add_argument_group("of a URL")
    _add_transfer_flags(group)
    count = _argument(kinds.whole(1, 1000))
    add = group.add_argument
    add("--limit", metavar="RATE", type=_rate, help="bytes a second, such as 10M")
    add("--runs", metavar="N", type=count, help="downloads to make (default 1)")
    add("--output-dir", metavar="DIR", help="folder to download into (default: the current one)")
    add = parser.add_argument_group("by a service").add_argument
    add("--service", metavar="URL", help="base URL of a service, such as http://127.0.0.1:6500")
    add("--torrent", metavar="FILE|MAGNET", help="what the service shall download")
    add("--username", metavar="NAME", help="its API_USERNAME, if it asks for a login")
    add("--password", metavar="WORD", help="its API_PASSWORD")
    seconds = _argument(kinds.seconds(1, 999_999_999))
    add("--timeout", metavar="SECONDS", type=seconds, help="until it must be done (default 21600)")
    parser.set_defaults(run=lambda options: _bench(parser, options))


def _bench(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if bool(options.url) == bool(options.service):
        parser.error("give either a URL, or --service and --torrent")
    others = _OF_A_URL if options.service else _OF_A_SERVICE
    if strange := [flag for flag, name in others if getattr(options, name) is not None]:
        other = "--service" if options.service else "a URL"
        parser.error(f"{strange[0]} does not go with {other}")
    if options.service and not options.torrent:
        parser.error("--service needs a --torrent")
    transfer = _transfer(options)
    if options.service:
        return _bench_service(options, transfer)
    from api.bench.url import Options, bench_url  # noqa: PLC0415 - see the module's text

    wanted = Options(
        url=options.url,
        output_dir=options.output_dir or "",
        keep=options.keep,
        runs=int(options.runs or 1),
        transfer=transfer,
        limit=options.limit or 0,
        json=options.json,
    )
    return bench_url(wanted, complain)


def _bench_service(options: argparse.Namespace, transfer: settings.TransferSettings) -> int:
    logs.hide(options.password or "")
    from api.bench.service import Options, bench_service  # noqa: PLC0415 - see the module's text

    wanted = Options(
        service=options.service,
        torrent=options.torrent,
        username=options.username or "",
        password=options.password or "",
        ca_file=transfer.ssl_cert_file,
        timeout=float(options.timeout or 21600),
        keep=options.keep,
        json=options.json,
    )
    return bench_service(wanted, complain)


def _add_push(commands: Any) -> None:
    parser = commands.add_parser(
        "push",
        help="push a release to Sonarr or Radarr",
        description="Push a release to Sonarr or Radarr, which judges it and grabs it. Their"
        " addresses and keys are those of the settings (SONARR_URL, SONARR_API_KEY, ...).",
        epilog="Exit status: 0 approved, or rejected for now, which is grabbed later; 1 the"
        " settings are not acceptable; 2 bad input, or the program is not set up; 3 not reachable,"
        " or in trouble: try again; 4 refused: rejected or not understood; 5 wrong API key.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--target", choices=("sonarr", "radarr"), required=True, help="who gets it")
    add("--name", metavar="NAME", help="release name (default: the one in the .torrent or magnet)")
    add("--url", metavar="URL", help="of the .torrent, which the program fetches itself")
    add("--magnet", metavar="URI", help="its magnet, which the program prefers to the URL")
    add("--file", metavar="FILE", help="its .torrent; without a URL a magnet is made of it")
    add("--hash", metavar="HASH", help="its infohash in hex or base32")
    add("--size", metavar="BYTES", help="what is no number is 0, for not known")
    add("--indexer", metavar="NAME", help="the indexer's name there (default autobrr)")
    add("--info-url", metavar="URL", help="a page about the release")
    add(
        "--download-client",
        metavar="NAME",
        help="name there of the client that shall fetch it (default: ARRPUSH_DOWNLOAD_CLIENT)",
    )
    parser.set_defaults(run=_push)


def _push(options: argparse.Namespace) -> int:
    config = settings.load()
    for secret in (config.sonarr_api_key, config.radarr_api_key, options.url, options.magnet):
        logs.hide(secret or "")
    logs.configure("CRITICAL")  # only the command speaks
    from api.push import Options, push  # noqa: PLC0415 - see the module's text

    wanted = Options(
        target=options.target,
        name=options.name or "",
        url=options.url or "",
        magnet=options.magnet or "",
        file=options.file or "",
        hash=options.hash or "",
        size=options.size,
        indexer=options.indexer or "",
        info_url=options.info_url or "",
        download_client=options.download_client or "",
    )
    return push(wanted, config, complain)


def _argument(kind: kinds.Kind) -> Callable[[str], str]:
    """Return a check of an argument that lets its text through."""

    def check(text: str) -> str:
        try:
            kind.parse(text.strip())
        except kinds.BadValue as error:
            line = f"{text!a}: {error}; accepted: {kind.accepts}"
            raise argparse.ArgumentTypeError(line) from None
        return text

    return check


def _rate(text: str) -> int:
    try:
        return parse_rate(text)
    except BadSize as error:
        raise argparse.ArgumentTypeError(f"{text!a}: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
