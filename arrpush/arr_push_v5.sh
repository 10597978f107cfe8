#!/bin/sh
# Hands one release to alldebrid-client, which brings it to Sonarr or Radarr: see usage below.
#
# Made for machines that have little: a POSIX shell (dash, the ash of busybox), the usual small tools
# (awk date head mktemp od rm sed sleep tr wc), and curl, GNU wget or the wget of busybox. Where one
# of these is missing, `python3 -m arrpush` does the same; where that is missing too, it says so.
#
# What it does with what it is given:
#   - Nothing given is ever run or expanded: values are quoted, and travel through pipes and files.
#   - The .torrent, the request and the token are in one folder that only this user can read, and
#     that is removed at the end, also when the script is killed by a signal that can be caught.
#   - curl and GNU wget find the token in a file there. The wget of busybox takes it from its command
#     line only, where other users of this machine can see it for a moment.
#   - Links and the token are in none of the messages.
#   - Proxies of the environment are not used: token and .torrent go straight to ARRPUSH_URL.

set -u -f
umask 077
LC_ALL=C # bytes are bytes, and the tools speak the language this script reads
export LC_ALL

BROKEN=1 BAD_INPUT=2 UNREACHABLE=3 REFUSED=4 WRONG_TOKEN=5 UNDER_WAY=6
LARGEST_TORRENT=10485760 # bytes; in base64 that is nearly what the service takes in one request
LONGEST_ANSWER=65536     # bytes of an answer that are looked at
LONG_QUESTION=50         # seconds the service may take to tell how a release ended
USUAL_PATIENCE=120       # seconds of a --wait that does not say how long

usage() {
    printf '%s\n' 'Usage: arr_push_v5.sh [OPTION VALUE | NAME=VALUE]...

Hands one release to alldebrid-client, which brings it to Sonarr or Radarr.

  --target TARGET    sonarr, radarr, or auto: by the type (default)    Target=
  --name NAME        name of the release                               ReleaseName=
  --url URL          of the .torrent                                   TorrentUrl=
  --path FILE        the .torrent on this machine; its bytes are sent  TorrentPath=
  --magnet URI       magnet URI                                        MagnetURI=
  --hash HASH        infohash                                          TorrentHash=
  --size BYTES       size of the release                               Size=
  --indexer NAME     where it comes from                               Indexers=
  --info-url URL     its page                                          InfoUrl=
  --type TYPE        what Autobrr takes it for: episode, movie, ...    Type=
  --wait[=SECONDS]   wait until the release was grabbed, or was not; 120 seconds unless told
  --help             this text

A value may be given as --option VALUE, as --option=VALUE, as NAME=VALUE with the name on the right,
or in the environment under that name. What is empty counts as not given. Where the .torrent cannot
be read, and a URL, a magnet or a hash was given too, it goes on without the file.

Settings, from the environment or the file of settings:
  ARRPUSH_URL         where the service is: http://127.0.0.1:6500 unless told. May have a user and
                      a password, a path in front, and an IPv6 address in brackets.
  ARRPUSH_TOKEN       the token of the service
  ARRPUSH_TOKEN_FILE  or a file whose first line it is
  ARRPUSH_TIMEOUT     seconds for one question (30)
  ARRPUSH_TRIES       how often it is asked at most (3): again when it does not answer, answers 408,
                      429 or 5xx. The service knows a release again, so nothing is added twice.
  ARRPUSH_PAUSE       seconds before it is asked again (2)
  ARRPUSH_ENV         the file of settings: arr_push_v5.env beside this script unless told. One
                      NAME=VALUE a line; it is read, not run. What is in the environment comes first.
Proxies are not used.

Exit status:
  0  accepted, and delivered even if the service is stopped in between; with --wait: grabbed, or
     Sonarr or Radarr grabs it later. Prints id and state.
  1  something is missing on this machine
  2  bad input: arguments, settings, the .torrent, or what the service answered 400 or 413 to
  3  the service is not reachable, is something else, has trouble or takes too long: try again
  4  with --wait: Sonarr or Radarr did not grab it
  5  the token is wrong
  6  with --wait: accepted, but not yet known how it ends
Anything else: killed by a signal. For each but 0 one line on standard error says why.

In Autobrr, an action of the type Exec; Command is the path of this script, Arguments this line (or
Command is sh, and the path of this script comes first in the line):
  --target auto --type {{ .Type | quote }} --name {{ .TorrentName | quote }} --path {{ .TorrentPathName | quote }} --hash {{ .TorrentHash | quote }} --size {{ .Size }} --indexer {{ .Indexer | quote }} --info-url {{ .InfoUrl | quote }}
The file makes the URL needless, which Autobrr would write into its log with all arguments. For an
indexer that has magnets only, --magnet {{ .MagnetURI | quote }} takes the place of --path and
--hash with their values. Keep the quote: without it Autobrr runs `commands` in names.'
}

fail() { # fail STATUS SENTENCE: the end
    printf 'arr_push_v5: %s\n' "$2" >&2
    exit "$1"
}

warn() {
    printf 'arr_push_v5: warning: %s\n' "$1" >&2
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# ---- Arguments, environment, settings: read with nothing but the shell ---------------------------

target='' name='' url='' path='' magnet='' hash='' size='' indexer='' info_url='' type=''
patience='' # seconds to wait for the end; '' for not at all

read_arguments() {
    given=$#
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --wait) patience=$USUAL_PATIENCE ;;
        --wait=*)
            patience=${1#*=}
            is_number "$patience" || fail $BAD_INPUT '--wait is no number of seconds up to 9999'
            ;;
        --*=* | [!-]*=*) take "${1%%=*}" "${1#*=}" $((given - $# + 1)) ;;
        --*)
            [ $# -gt 1 ] || fail $BAD_INPUT "argument $given has no value; see --help"
            take "$1" "$2" $((given - $# + 1))
            shift
            ;;
        *) fail $BAD_INPUT "argument $((given - $# + 1)) is not known; see --help" ;;
        esac
        shift
    done
}

take() { # take NAME VALUE POSITION
    case $1 in
    --target | Target) target=$2 ;;
    --name | ReleaseName) name=$2 ;;
    --url | TorrentUrl) url=$2 ;;
    --path | TorrentPath) path=$2 ;;
    --magnet | MagnetURI) magnet=$2 ;;
    --hash | TorrentHash) hash=$2 ;;
    --size | Size) size=$2 ;;
    --indexer | Indexers) indexer=$2 ;;
    --info-url | InfoUrl) info_url=$2 ;;
    --type | Type) type=$2 ;;
    *) fail $BAD_INPUT "argument $3 is not known; see --help" ;;
    esac
}

read_environment() {
    : "${target:=${Target-}}" "${name:=${ReleaseName-}}" "${url:=${TorrentUrl-}}"
    : "${path:=${TorrentPath-}}" "${magnet:=${MagnetURI-}}" "${hash:=${TorrentHash-}}"
    : "${size:=${Size-}}" "${indexer:=${Indexers-}}" "${info_url:=${InfoUrl-}}" "${type:=${Type-}}"
}

check_input() {
    : "${target:=auto}"
    case $target in
    sonarr | radarr | auto) ;;
    *) fail $BAD_INPUT 'the target is none of sonarr, radarr and auto' ;;
    esac
    [ -n "$name$url$path$magnet$hash" ] ||
        fail $BAD_INPUT 'no release: give a name, a path, a URL, a magnet or a hash; see --help'
}

is_number() {
    case $1 in
    [0-9] | [1-9][0-9] | [1-9][0-9][0-9] | [1-9][0-9][0-9][0-9]) ;;
    *) return 1 ;;
    esac
}

read_settings() {
    : "${ARRPUSH_URL:=}" "${ARRPUSH_TOKEN:=}" "${ARRPUSH_TOKEN_FILE:=}"
    : "${ARRPUSH_TIMEOUT:=}" "${ARRPUSH_TRIES:=}" "${ARRPUSH_PAUSE:=}"
    known_token=$ARRPUSH_TOKEN$ARRPUSH_TOKEN_FILE
    file=${ARRPUSH_ENV-}
    if [ -z "$file" ]; then
        file=$here/arr_push_v5.env
        [ -e "$file" ] || return 0
    fi
    [ -r "$file" ] && [ ! -d "$file" ] || fail $BAD_INPUT 'the file of settings cannot be read'
    while IFS= read -r line || [ -n "$line" ]; do
        read_setting "${line%"$RETURN"}"
    done <"$file"
}

RETURN=$(printf '\r')

read_setting() { # read_setting LINE: what was set before stays
    value=${1#*=}
    case $value in
    \"*\" | \'*\')
        value=${value#?}
        value=${value%?}
        ;;
    esac
    case $1 in
    ARRPUSH_URL=*) : "${ARRPUSH_URL:=$value}" ;;
    ARRPUSH_TOKEN=*) [ -n "$known_token" ] || ARRPUSH_TOKEN=$value ;;
    ARRPUSH_TOKEN_FILE=*) [ -n "$known_token" ] || ARRPUSH_TOKEN_FILE=$value ;;
    ARRPUSH_TIMEOUT=*) : "${ARRPUSH_TIMEOUT:=$value}" ;;
    ARRPUSH_TRIES=*) : "${ARRPUSH_TRIES:=$value}" ;;
    ARRPUSH_PAUSE=*) : "${ARRPUSH_PAUSE:=$value}" ;;
    esac
}

check_settings() {
    : "${ARRPUSH_URL:=http://127.0.0.1:6500}"
    : "${ARRPUSH_TIMEOUT:=30}" "${ARRPUSH_TRIES:=3}" "${ARRPUSH_PAUSE:=2}"
    is_number "$ARRPUSH_TIMEOUT" && [ "$ARRPUSH_TIMEOUT" -gt 0 ] ||
        fail $BAD_INPUT 'ARRPUSH_TIMEOUT is no number of seconds from 1 to 9999'
    is_number "$ARRPUSH_TRIES" && [ "$ARRPUSH_TRIES" -gt 0 ] ||
        fail $BAD_INPUT 'ARRPUSH_TRIES is no number from 1 to 9999'
    is_number "$ARRPUSH_PAUSE" || fail $BAD_INPUT 'ARRPUSH_PAUSE is no number of seconds up to 9999'
    read_token
    read_address
}

read_token() {
    token=$ARRPUSH_TOKEN
    if [ -n "$ARRPUSH_TOKEN_FILE" ]; then
        [ -z "$token" ] || fail $BAD_INPUT 'ARRPUSH_TOKEN and ARRPUSH_TOKEN_FILE are both set'
        [ -r "$ARRPUSH_TOKEN_FILE" ] && [ ! -d "$ARRPUSH_TOKEN_FILE" ] ||
            fail $BAD_INPUT 'ARRPUSH_TOKEN_FILE cannot be read'
        IFS= read -r token <"$ARRPUSH_TOKEN_FILE" || :
        token=${token%"$RETURN"}
        [ -n "$token" ] || fail $BAD_INPUT 'the first line of ARRPUSH_TOKEN_FILE is empty'
    fi
    case $token in
    *[!!-~]*) fail $BAD_INPUT 'the token has characters that no token has' ;;
    esac
}

read_address() { # ARRPUSH_URL in two parts: address, and login as in `user:password`
    case $ARRPUSH_URL in
    http://* | https://*) ;;
    *) fail $BAD_INPUT 'ARRPUSH_URL is no http or https URL' ;;
    esac
    host=${ARRPUSH_URL#*://}
    host=${host%%/*}
    prefix=${ARRPUSH_URL#*://"$host"}
    login=''
    case $host in
    *@*)
        login=${host%@*}
        host=${host##*@}
        ;;
    esac
    while [ "$prefix" != "${prefix%/}" ]; do prefix=${prefix%/}; done
    case $host$prefix in
    *[?#]*) fail $BAD_INPUT 'ARRPUSH_URL has a query; the token goes into ARRPUSH_TOKEN' ;;
    *[!]a-zA-Z0-9._~:/%[-]*) fail $BAD_INPUT 'ARRPUSH_URL has characters that no URL has' ;;
    esac
    case $login in
    *[!!-~]*) fail $BAD_INPUT 'ARRPUSH_URL has characters that no URL has' ;;
    esac
    case $host in
    \[*\]) port=80 ;;
    \[*\]:*) port=${host#*\]:} ;;
    ?*:*) port=${host#*:} ;;
    ?*) port=80 ;;
    *) fail $BAD_INPUT 'ARRPUSH_URL has no host' ;;
    esac
    case $port in
    '' | *[!0-9]* | ??????*) port=99999 ;;
    esac
    [ "$port" -le 65535 ] || fail $BAD_INPUT 'the port of ARRPUSH_URL is no number'
    address=${ARRPUSH_URL%%://*}://$host${prefix%/arrpush}
}

# ---- What the machine has ------------------------------------------------------------------------

find_client() { # sets client, or lacks
    client='' lacks=''
    for tool in awk date head mktemp od rm sed sleep tr wc; do
        have $tool || lack $tool
    done
    if have curl; then
        client=curl
    elif have wget; then
        find_wget
    else
        lack 'curl or wget'
    fi
    [ -z "$lacks" ]
}

find_wget() {
    case $(wget --version 2>/dev/null) in
    'GNU Wget 1.'*)
        client=gnu_wget
        return
        ;;
    esac
    client=busybox_wget
    case $address in
    https:*) lack 'curl or GNU wget (that of busybox checks no certificates)' ;;
    esac
    case $(wget --help 2>&1) in
    *BusyBox*--post-file*) ;;
    *) lack 'curl or a wget that sends files (of GNU, version 1, or of busybox from 1.35 on)' ;;
    esac
}

lack() {
    lacks=$lacks${lacks:+, }$1
}

fall_back() {
    have python3 || fail $BROKEN "missing here: $lacks; or python3, which needs none of that"
    python3 -I -c 'import base64, http.client, json, sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null ||
        fail $BROKEN "missing here: $lacks; or a python3 from 3.8 on with its standard library"
    [ -f "$here/__main__.py" ] ||
        fail $BROKEN "missing here: $lacks; or, for python3, the folder arrpush around this script"
    PYTHONPATH=$here/..${PYTHONPATH:+:$PYTHONPATH} PYTHONSAFEPATH=1
    export PYTHONPATH PYTHONSAFEPATH
    exec python3 -m arrpush "$@"
}

# ---- The folder for what is secret, and its end --------------------------------------------------

folder='' child=''

open_folder() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    folder=$(mktemp -d "${TMPDIR:-/tmp}/arr_push_v5.XXXXXX" 2>/dev/null) ||
        fail $BROKEN 'no temporary folder can be made; TMPDIR says where'
}

clean_up() {
    trap '' HUP INT TERM
    if [ -n "$child" ]; then
        kill "$child"
        wait "$child"
    fi 2>/dev/null
    [ -z "$folder" ] || rm -rf "$folder"
}

run() { # run COMMAND...: what may take long; a signal ends it and the script at once
    "$@" >"$folder/said" 2>&1 &
    child=$!
    wait "$child"
    set -- $?
    child=''
    return "$1"
}

within() { # within SECONDS COMMAND...: run for what knows no time limit of its own
    seconds=$1
    shift
    "$@" >"$folder/said" 2>&1 &
    child=$!
    flag=$folder/running.$child
    : >"$flag"
    watch "$child" "$flag" "$seconds" &
    wait "$child" 2>/dev/null # where the shell says that it was ended
    set -- $?
    child=''
    rm -f "$flag"
    return "$1"
}

watch() { # watch PROCESS FLAG SECONDS: end the process then; not when the flag is gone
    exec >/dev/null 2>&1 # whoever reads what the script prints need not wait for this
    left=$3
    while [ "$left" -gt 0 ] && [ -e "$2" ]; do
        sleep 1
        left=$((left - 1))
    done
    [ ! -e "$2" ] || kill "$1"
}

# ---- What is sent --------------------------------------------------------------------------------

read_torrent() { # sets torrent to its copy; '' without one
    torrent=''
    [ -n "$path" ] || return 0
    problem=''
    if [ ! -f "$path" ]; then
        problem='there is no such file'
    elif ! { head -c $((LARGEST_TORRENT + 1)) <"$path" >"$folder/torrent"; } 2>/dev/null; then
        problem='it cannot be read'
    else
        length=$(($(wc -c <"$folder/torrent")))
        [ $length -gt 0 ] || problem='it is empty'
        [ $length -le $LARGEST_TORRENT ] || problem="it has more than $LARGEST_TORRENT bytes"
    fi
    if [ -z "$problem" ]; then
        torrent=$folder/torrent
    elif [ -n "$url$magnet$hash" ]; then
        warn "goes on without the .torrent: $problem"
    else
        fail $BAD_INPUT "the .torrent cannot be used: $problem"
    fi
}

write_body() {
    {
        comma='{'
        member ReleaseName "$name"
        member TorrentUrl "$url"
        member MagnetURI "$magnet"
        member TorrentHash "$hash"
        member Size "$size"
        member Indexers "$indexer"
        member InfoUrl "$info_url"
        member Type "$type"
        [ -z "$torrent" ] || torrent_member
        printf '}'
    } >"$folder/body" || fail $BROKEN 'the request cannot be written to the temporary folder'
}

member() { # member NAME VALUE
    [ -n "$2" ] || return 0
    printf '%s"%s":"' "$comma" "$1"
    printf '%s' "$2" | od -A n -v -t u1 | awk "$JSON_TEXT"
    printf '"'
    comma=','
}

torrent_member() {
    to_base64 <"$torrent" >"$folder/base64"
    [ $(($(wc -c <"$folder/base64"))) -eq $(((length + 2) / 3 * 4)) ] ||
        fail $BROKEN 'the .torrent cannot be encoded here: base64, openssl, or od and awk fail'
    printf '%s"TorrentDataRawBytes":"' "$comma"
    tr -d '\n' <"$folder/base64"
    printf '"'
}

to_base64() { # on one line
    if have base64; then
        base64
    elif have openssl; then
        openssl base64
    else
        od -A n -v -t u1 | awk "$BASE64"
    fi | tr -d '\r\n'
}

# From bytes as numbers to the inside of a JSON string, in ASCII. A byte that is no UTF-8 is taken
# for Latin-1, as the service does.
JSON_TEXT='
    function follows(at) { return byte[at] >= 128 && byte[at] <= 191 }
    function character(at,    more, least, point, i) {
        used = 1
        if (byte[at] < 128) return byte[at]
        if (byte[at] >= 192 && byte[at] < 224) { more = 1; least = 128; point = byte[at] - 192 }
        else if (byte[at] >= 224 && byte[at] < 240) { more = 2; least = 2048; point = byte[at] - 224 }
        else if (byte[at] >= 240 && byte[at] < 248) { more = 3; least = 65536; point = byte[at] - 240 }
        else return byte[at]
        for (i = 1; i <= more; i++) {
            if (!follows(at + i)) return byte[at]
            point = point * 64 + byte[at + i] - 128
        }
        if (point < least || point > 1114111 || (point >= 55296 && point <= 57343)) return byte[at]
        used = more + 1
        return point
    }
    function put(point) {
        if (point == 34 || point == 92) printf "\\%c", point
        else if (point >= 32 && point < 127) printf "%c", point
        else if (point < 65536) printf "\\u%04x", point
        else printf "\\u%04x\\u%04x", 55232 + int(point / 1024), 56320 + point % 1024
    }
    { for (i = 1; i <= NF; i++) byte[count++] = $i + 0 }
    END { for (at = 0; at < count; at += used) put(character(at)) }
'

# From bytes as numbers to base64.
BASE64='
    function put(six) { printf "%s", substr(LETTERS, six + 1, 1) }
    function flush() {
        put(int(bits / 262144)); put(int(bits / 4096) % 64)
        if (held > 1) put(int(bits / 64) % 64); else printf "="
        if (held > 2) put(bits % 64); else printf "="
    }
    function take(byte) {
        bits += byte * PLACE[held++]
        if (held == 3) { flush(); bits = held = 0 }
    }
    BEGIN {
        LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        PLACE[0] = 65536; PLACE[1] = 256; PLACE[2] = 1
    }
    { for (i = 1; i <= NF; i++) take($i) }
    END { if (held) flush() }
'

# A user or password as it stands in a URL, without its percent signs.
UNQUOTED='
    function digit(at) { return index("0123456789abcdef", tolower(substr($0, at, 1))) - 1 }
    {
        while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
            printf "%s%c", substr($0, 1, RSTART - 1), 16 * digit(RSTART + 1) + digit(RSTART + 2)
            $0 = substr($0, RSTART + 3)
        }
        printf "%s", $0
    }
'

read_login() { # sets basic: what HTTP makes of the user and the password
    basic=''
    [ -n "$login" ] || return 0
    case $login in
    *:*) ;;
    *) login=$login: ;;
    esac
    basic=$(printf '%s\n' "$login" | awk "$UNQUOTED" | to_base64)
}

write_headers() { # in the file that curl and GNU wget read
    case $client in
    curl) header() { printf '%s' "$1" | sed 's/[\\"]/\\&/g; s/.*/header = "&"/'; echo; } ;;
    gnu_wget) header() { printf 'header = %s\n' "$1"; } ;;
    *) return 0 ;;
    esac
    {
        header 'Content-Type: application/json'
        [ $client != curl ] || header 'Expect:' # no question before a long body
        [ $client != gnu_wget ] || echo 'netrc = off'
        [ -z "$token" ] || header "X-Api-Key: $token"
        [ -z "$basic" ] || header "Authorization: Basic $basic"
    } >"$folder/headers"
}

# ---- Questions and answers -----------------------------------------------------------------------

ask() { # ask PATH SECONDS [FILE]: sets status, 000 without an answer, and result
    : >"$folder/answer"
    "ask_$client" "$@"
    result=$?
    status=$(sed -n "$STATUS" "$folder/said" | sed -n '$p')
    case $result:${status:=000} in
    0:*) ;;
    *:2??) status=000 ;; # it broke off
    esac
}

# From a line such as `  HTTP/1.1 202 Accepted` to 202.
STATUS='
    s/^wget: server returned error: //
    s/^ *HTTP[/0-9.]* *\([1-5][0-9][0-9]\).*/\1/p
'

ask_curl() {
    run curl -q --config "$folder/headers" --silent --globoff --noproxy '*' --max-time "$2" \
        --output "$folder/answer" --write-out 'HTTP %{http_code}\n' ${3:+--data-binary "@$3"} \
        "$address$1"
}

ask_gnu_wget() {
    run wget --config="$folder/headers" --no-proxy --tries=1 --max-redirect=0 --timeout="$2" \
        --no-verbose --server-response --content-on-error --output-document="$folder/answer" \
        ${3:+--post-file="$3"} "$address$1"
}

ask_busybox_wget() { # it follows redirects, which nothing can keep it from
    within "$2" wget -q -S -Y off -O "$folder/answer" --header 'Content-Type: application/json' \
        ${token:+--header "X-Api-Key: $token"} ${basic:+--header "Authorization: Basic $basic"} \
        ${3:+--post-file "$3"} "$address$1"
}

field() { # field NAME: a text of the answer, in one line, without links
    head -c $LONGEST_ANSWER "$folder/answer" | tr -d '\000-\037\177' | awk -v name="$1" '
        match($0, "\"" name "\"[ ]*:[ ]*\"") {
            text = substr($0, RSTART + RLENGTH)
            match(text, /^([^"\\]|\\.)*/)
            text = substr(text, 1, RLENGTH < 500 ? RLENGTH : 500)
            gsub(/\\[bfnrt]/, " ", text)
            gsub(/\\/, "", text)
            gsub(/[A-Za-z]+:\/\/[^ ]*|[Mm][Aa][Gg][Nn][Ee][Tt]:[^ ]*/, "(link)", text)
            print text
        }'
}

sentence() { # sentence NAME: a text of the answer that goes behind one of ours, if there is one
    text=$(field "$1")
    [ -z "$token" ] || case $text in *"$token"*) text='' ;; esac
    [ -z "$basic" ] || case $text in *"$basic"*) text='' ;; esac
    printf '%s' "${text:+: $text}"
}

worth_another_try() {
    case $status in
    000 | 408 | 429 | 5??) ;;
    *) return 1 ;;
    esac
}

explain() { # why the answer is not the one that was hoped for
    why=$(sentence error)
    : "${why:=: its log says why}" # the wget of busybox keeps what it was told to itself
    case $status in
    000) fail $UNREACHABLE "the service cannot be reached, or takes too long ($client: exit status $result)" ;;
    400 | 413) fail $BAD_INPUT "the service does not accept this (HTTP $status)$why" ;;
    401) fail $WRONG_TOKEN 'the service does not accept the token (HTTP 401)' ;;
    408 | 429 | 5??) fail $UNREACHABLE "the service has trouble (HTTP $status)$why" ;;
    *) fail $UNREACHABLE "what answers at ARRPUSH_URL is not the service (HTTP $status)" ;;
    esac
}

rest() {
    [ "$ARRPUSH_PAUSE" -eq 0 ] || run sleep "$ARRPUSH_PAUSE"
}

# ---- The story -----------------------------------------------------------------------------------

push() { # sets id and state
    attempt=1
    ask "/arrpush?target=$target" "$ARRPUSH_TIMEOUT" "$folder/body"
    while worth_another_try && [ $attempt -lt "$ARRPUSH_TRIES" ]; do
        rest
        attempt=$((attempt + 1))
        ask "/arrpush?target=$target" "$ARRPUSH_TIMEOUT" "$folder/body"
    done
    [ "$status" = 202 ] || explain
    id=$(field id) state=$(field state)
    case ,$id,$state, in
    *,,* | *[!,0-9A-Za-z_-]*) explain ;;
    esac
    note=$(sentence note)
    [ -z "$note" ] || warn "accepted, but$note"
}

follow() { # until the release has ended
    deadline=$(($(date +%s) + patience))
    while ! ended; do
        left=$((deadline - $(date +%s)))
        [ $left -gt 0 ] || left=0
        long=$((left < LONG_QUESTION ? left : LONG_QUESTION))
        ask "/arrpush/$id?wait=$long" $((long + ARRPUSH_TIMEOUT))
        if [ "$status" = 200 ]; then
            state=$(field state)
        elif ! worth_another_try; then
            explain
        fi
        ended && break
        [ $left -gt 0 ] || fail $UNDER_WAY "accepted as $id, which is still under way: no need to try again"
        rest
    done
}

ended() {
    case $state in
    grabbed | later) ;;
    rejected | bad_payload | refused | expired | ungrabbed) fail $REFUSED "$id $state$(sentence said)" ;;
    *) return 1 ;;
    esac
}

main() {
    case $0 in
    */*) here=${0%/*} ;;
    *) here=. ;;
    esac
    read_arguments "$@"
    read_environment
    check_input
    read_settings
    check_settings
    find_client || fall_back "$@"
    open_folder
    read_torrent
    read_login
    write_body
    write_headers
    push
    [ -z "$patience" ] || follow
    printf '%s %s\n' "$id" "$state"
}

main "$@"
