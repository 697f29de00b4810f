#!/usr/bin/env bash
# What dev/up, dev/test and dev/chaos share: installing packages, private servers, and stopping exactly what was started.
#
# Sourced, never run. Every process that outlives a line of these scripts has a *record*: a file under .dev/<name>/run with
# its pid and its start time, written by the process itself before it becomes the program. Only what a record names is ever
# signalled, so a recycled pid, or a server that was already on the machine, is safe. docs/development.md tells the rest.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly ROOT

say() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
complain() {
    printf '\n!!! %s\n' "$1" >&2
    shift
    (($# == 0)) || printf '%s\n' "$@" | sed 's/^/    /' >&2
}
die() {
    complain "$@"
    exit 1
}

# ---- The state of one set of servers -----------------------------------------------------------------------------------

# Chooses .dev/<name> and makes sure that one script at a time uses it.
claim() {
    NAME=$1
    STATE=$ROOT/.dev/$NAME
    mkdir -p "$STATE/run" "$STATE/log" 2>/dev/null || die "Cannot write to $STATE." \
        "Give yourself the directory (sudo chown -R \"\$(id -un)\" $ROOT/.dev), or use a clone of your own."
    chmod 700 "$STATE/log" # the demo's API key is in one of them
    local tool taken=
    for tool in flock setsid setpriv; do
        command -v "$tool" >/dev/null || die "$tool is missing." "It is in Debian's package util-linux: apt-get install util-linux"
    done
    {
        flock 9
        if alive "$STATE/owner"; then
            taken=$(pid_in "$STATE/owner")
        else
            record_of $$ >"$STATE/owner"
        fi
    } 9>"$STATE/lock"
    [[ -z $taken ]] || die "dev/$NAME is already running in this checkout (process $taken)." \
        "Wait for it, or stop it with: kill $taken"
}

# The state of a pid as a record holds it: the pid and its start time in clock ticks since boot. Fails when it is gone.
record_of() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -r -a stat <<<"${stat##*) }"
    [[ ${stat[0]} != Z ]] && echo "$1 ${stat[19]}"
}

pid_in() {
    local pid
    read -r pid _ <"$1" && echo "$pid"
}

# Whether the process of a record still runs, and is not another one under a recycled pid.
alive() {
    local written
    [[ -s $1 ]] && read -r written <"$1" && [[ $(record_of "${written%% *}") == "$written" ]]
}

# ---- Starting and stopping ---------------------------------------------------------------------------------------------

# Run by the process itself, before it becomes the program: its record, in the form that record_of gives.
# shellcheck disable=SC2016  # expanded by that process
readonly WRITE_RECORD='
    read -r stat <"/proc/$$/stat"; read -r -a stat <<<"${stat##*) }"
    echo "$$ ${stat[19]}" >"$0"; exec "$@"'

# spawn <what> <command...>: starts a process that lives until stop. Its output goes to .dev/<name>/log/<what>.log.
#
# A session of its own keeps a Ctrl-C in the terminal from reaching it before we have stopped its clients.
spawn() {
    local what=$1
    shift
    rm -f "$STATE/run/$what"
    setsid bash -c "$WRITE_RECORD" "$STATE/run/$what" "$@" </dev/null >"$STATE/log/$what.log" 2>&1 &
    spawned=$!
    disown # bash would announce its end in words of its own
    # Until the record is there, $spawned is all that at_exit has.
    while [[ ! -s $STATE/run/$what ]] && kill -s 0 "$spawned" 2>/dev/null; do sleep 0.01; done
    spawned=
}

# stop <what> <seconds> <signal...>: each signal in turn, with that many seconds to end, then KILL.
stop() {
    local record=$STATE/run/$1 what=$1 seconds=$2 signal i
    shift 2
    for signal in "$@" KILL; do
        alive "$record" || break
        [[ $signal != KILL ]] || note "$what did not stop in $((seconds * $#)) s: killed"
        kill -s "$signal" "$(pid_in "$record")" 2>/dev/null || true
        for ((i = 0; i < seconds * 10; i++)); do
            alive "$record" || break
            sleep 0.1
        done
    done
    rm -f "$record"
}

# Stops what the records name, clients before servers.
stop_all() {
    local record what
    for record in "$STATE"/run/*; do
        what=${record##*/}
        [[ -e $record && $what != postgres && $what != redis ]] && stop "$what" 15 TERM
    done
    stop redis 10 TERM
    stop postgres 10 INT QUIT
}

# A script that was killed outright could not stop what it had started. The records, or else the directories, still tell.
stop_leftovers() {
    local record left='' dir
    for record in "$STATE"/run/*; do
        if [[ -e $record ]] && alive "$record"; then left+=" ${record##*/}"; fi
    done
    [[ -z $left ]] || note "An earlier dev/$NAME was killed and left these running; stopping them:$left"
    if alive "$STATE/run/step"; then
        step=$(pid_in "$STATE/run/step")
        end_step
        step=
    fi
    stop_all
    if [[ -s $STATE/servers-are-in ]]; then
        dir=$(<"$STATE/servers-are-in")
        end_orphans "$dir/postgres" INT
        end_orphans "$dir/redis" TERM
    fi
}

# run <command...>: a step that takes long. A signal to this script ends it at once, with everything that it started.
run() {
    setsid bash -c "$WRITE_RECORD" "$STATE/run/step" "$@" </dev/null &
    step=$!
    local code=0
    wait "$step" || code=$?
    step=
    rm -f "$STATE/run/step"
    return "$code"
}

end_step() {
    [[ -n ${step:-} ]] || return 0
    local i
    kill -s TERM -- "-$step" 2>/dev/null || kill -s TERM "$step" 2>/dev/null || true
    for ((i = 0; i < 120; i++)); do
        kill -s 0 -- "-$step" 2>/dev/null || break
        sleep 0.1
    done
    kill -s KILL -- "-$step" 2>/dev/null || true
    rm -f "$STATE/run/step"
}

# To be called once, after claim: from here on, however the script ends, nothing of it stays.
stop_at_exit() {
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    trap 'exit 141' PIPE # of a reader that went away, as in dev/test | head
    trap at_exit EXIT
}

at_exit() {
    local code=$?
    trap '' INT TERM HUP PIPE
    set +e
    end_step
    # A process whose record is not written yet: the signal came between its fork and its first line.
    [[ -z ${spawned:-} ]] || kill -s TERM "$spawned" 2>/dev/null
    [[ -z $(ls -A "$STATE/run") ]] || say "Stopping what was started"
    stop_all
    allow_services
    declare -F last_words >/dev/null && last_words "$code"
    rm -f "$STATE/owner"
    exit "$code"
}

# ---- Packages ----------------------------------------------------------------------------------------------------------

as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }

# need <package> <path or command>: remembers a package whose command is missing.
need() {
    missing=${missing:-}
    if [[ $2 == /* ]]; then compgen -G "$2" >/dev/null && return; fi
    command -v "$2" >/dev/null || missing+=" $1"
}

# Installs what need remembered. One apt-get update, and only if something is missing.
install_missing() {
    [[ -n ${missing:-} ]] || return 0
    local packages=$missing
    command -v apt-get >/dev/null || die "Missing:$packages. This machine has no apt-get." \
        "Install them with its own package manager (the names are Debian's), then run this again."
    ((EUID == 0)) || command -v sudo >/dev/null || die "Missing:$packages. Installing them needs root, and there is no sudo." \
        "As root: apt-get update && apt-get install -y$packages"
    say "Installing$packages"
    # Not through run: a package manager that is ended half-way leaves the machine to be repaired, and sudo wants its terminal.
    forbid_services
    as_root apt-get update -qq >"$STATE/log/apt.log" 2>&1 || note "apt-get update failed; trying with the lists that are here"
    # shellcheck disable=SC2086  # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages >>"$STATE/log/apt.log" 2>&1 || {
        tail -n 15 "$STATE/log/apt.log" >&2
        die "apt-get could not install$packages; its last lines are above." "The whole of it: $STATE/log/apt.log"
    }
    allow_services
    missing=
    hash -r
}

# may_install <command> <package>: whether the command is there, installed if need be. For checks that can be done without.
may_install() {
    command -v "$1" >/dev/null && return 0
    (missing=" $2" && install_missing) >/dev/null 2>&1 || true
    hash -r
    command -v "$1" >/dev/null
}

# Debian starts a server as soon as it is installed. We want its programs, not a server on the standard port.
POLICY=/usr/sbin/policy-rc.d
POLICY_MARK='# dev/lib.sh: nothing is started while it installs'
forbid_services() {
    [[ -e $POLICY ]] || printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" | as_root install -m 755 /dev/stdin "$POLICY"
}
allow_services() {
    grep -qsF "$POLICY_MARK" "$POLICY" && as_root rm -f "$POLICY"
    return 0
}

install_servers() {
    need postgresql '/usr/lib/postgresql/*/bin/postgres'
    need redis-server redis-server
    install_missing
}

# What a build wants beside Rust itself: a linker, and a C compiler for ring.
install_build_tools() {
    command -v cargo >/dev/null || die "Rust is missing: there is no cargo on the PATH." \
        "Install Rust (the version is in Cargo.toml, rust-version), then run this again."
    need gcc cc
    need libc6-dev /usr/include/stdio.h
    install_missing
}

# ---- Ports -------------------------------------------------------------------------------------------------------------

listening() {
    local hex
    printf -v hex ':%04X' "$1"
    awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Who listens on a port, as far as this machine tells.
listener() { command -v ss >/dev/null && ss -ltnpH "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1; }

# free_ports [<count>]: the first of so many free ports in a row, below the range from which the kernel gives ports to clients.
# Who needs several asks once: two questions can have the same answer while nobody listens there yet.
free_ports() {
    local count=${1:-1} port offset
    while :; do
        port=$((20000 + RANDOM % 12000))
        for ((offset = 0; offset < count; offset++)); do
            listening $((port + offset)) && continue 2
        done
        echo "$port"
        return
    done
}

# ---- Where the servers' files live -------------------------------------------------------------------------------------

# Sets SERVERS, a directory of the user that runs the servers, and SERVER_USER, empty when that is who we are.
#
# PostgreSQL refuses to run as root. As root we step down to the user postgres, who must be able to reach the directory, and
# a socket's path is at most 107 bytes: where .dev won't do (a checkout in /root, a long path), /var/tmp does.
choose_servers_dir() {
    SERVER_USER=
    if ((EUID == 0)); then
        SERVER_USER=postgres
        getent passwd postgres >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin postgres
    fi
    SERVERS=$STATE/servers
    if ((${#SERVERS} > 70)) || ! as_server_user test -x "$STATE"; then
        local key
        key=$(cksum <<<"$ROOT")
        local base=/var/tmp/vio-dev-$EUID-${key%% *}
        mkdir -m 711 "$base" 2>/dev/null || [[ -O $base && ! -L $base ]] ||
            die "$base belongs to somebody else, and the servers' files would live there." "Remove it, or move this checkout to a directory that every user may enter."
        SERVERS=$base/$NAME
        [[ -d $SERVERS ]] || note "Servers' files are in $SERVERS: the user $(server_user) can't use $STATE"
    fi
    mkdir -p "$SERVERS"
    chmod 700 "$SERVERS"
    [[ -z $SERVER_USER ]] || chown "$SERVER_USER": "$SERVERS"
    echo "$SERVERS" >"$STATE/servers-are-in"
    as_server_user mkdir -p -m 700 "$SERVERS/socket" "$SERVERS/redis"
}

server_user() { echo "${SERVER_USER:-$(id -un)}"; }

as_server_user() {
    local prefix
    server_prefix
    "${prefix[@]}" "$@"
}

# Sets prefix: what makes a command one of the servers' user, in a directory that it may enter. Every word of it replaces
# itself by the next, so that the pid stays.
server_prefix() {
    prefix=(env -C /)
    [[ -z $SERVER_USER ]] || prefix+=("HOME=$SERVERS" setpriv "--reuid=$SERVER_USER" "--regid=$(id -g "$SERVER_USER")" --init-groups)
}

# The passwords of this set of servers: made once, readable by us alone.
load_passwords() {
    local file=$STATE/passwords who
    (
        umask 077
        touch "$file"
        for who in postgres vio_owner vio_app vio_engine redis; do
            grep -q "^$who=." "$file" || echo "$who=$(random_hex 16)" >>"$file"
        done
    )
}
password_of() { sed -n "s/^$1=//p" "$STATE/passwords"; }
random_hex() { od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }

# Processes at work in a directory: an orphan of a killed server keeps its data directory as its working directory.
pids_in() {
    local cwd
    for cwd in /proc/[0-9]*/cwd; do
        [[ $(readlink "$cwd" 2>/dev/null) != "$1" ]] || basename "$(dirname "$cwd")"
    done
}

# Waits for, then ends, processes at work in one of our data directories that no record names.
end_orphans() {
    local dir=$1 signal=$2 pids i
    for ((i = 0; i < 150; i++)); do
        pids=$(pids_in "$dir")
        [[ -n $pids ]] || return 0
        ((i != 10)) || note "Stopping what an earlier run left in $dir: process ${pids//$'\n'/, }"
        # shellcheck disable=SC2086  # a list of pids
        if ((i == 10)); then kill -s "$signal" $pids 2>/dev/null || true; fi
        # shellcheck disable=SC2086
        if ((i == 110)); then kill -s KILL $pids 2>/dev/null || true; fi
        sleep 0.1
    done
    die "Processes of an earlier run won't end: ${pids//$'\n'/, }." "They work in $dir. End them with kill -9, then run this again."
}

# ---- PostgreSQL --------------------------------------------------------------------------------------------------------

find_postgres() {
    local dir
    PG_BIN=
    # Debian keeps each version apart and off the PATH; the newest wins.
    for dir in $(compgen -G '/usr/lib/postgresql/*/bin' | sort -V); do
        [[ -x $dir/postgres && -x $dir/initdb && -x $dir/psql ]] && PG_BIN=$dir
    done
    if [[ -z $PG_BIN ]] && command -v initdb >/dev/null && command -v postgres >/dev/null; then PG_BIN=$(dirname "$(command -v postgres)"); fi
    [[ -n $PG_BIN ]] || die "PostgreSQL's programs (postgres, initdb, psql) were not found." "On Debian: apt-get install postgresql"
}

# As superuser over the socket, which lies in a directory that only the servers' user and root may enter.
admin_psql() { "$PG_BIN/psql" -h "$SERVERS/socket" -p "$POSTGRES_PORT" -U postgres -XqAt -v ON_ERROR_STOP=1 "$@"; }

# start_postgres <port, or 0 for a free one>: sets POSTGRES_PORT.
start_postgres() {
    local wanted=$1 data=$SERVERS/postgres fresh=$SERVERS/postgres.new try version prefix
    find_postgres
    server_prefix
    end_orphans "$data" INT
    # Nobody works in the data directory, so this is left from a crash. PostgreSQL would refuse if the pid is somebody's again.
    rm -f "$data/postmaster.pid"
    if [[ -e $fresh ]]; then
        note "Removing a database that an earlier start left half made"
        end_orphans "$fresh" TERM
        rm -rf "$fresh"
    fi
    if [[ ! -e $data ]]; then
        note "Making a PostgreSQL data directory in $data"
        # Renamed only when whole: a directory called postgres is always usable.
        run "${prefix[@]}" "$PG_BIN/initdb" -D "$fresh" -U postgres -E UTF8 --locale=C.UTF-8 --data-checksums \
            --auth-local=trust --auth-host=scram-sha-256 >"$STATE/log/initdb.log" 2>&1 ||
            die "initdb failed; its last lines: " "$(tail -n 5 "$STATE/log/initdb.log")"
        mv "$fresh" "$data"
    fi
    version=$("$PG_BIN/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [[ $(<"$data/PG_VERSION") == "$version" ]] ||
        die "The data in $data was made by PostgreSQL $(<"$data/PG_VERSION"); the one here is $version." \
            "Install postgresql-$(<"$data/PG_VERSION"), or throw the data away: rm -r $SERVERS"
    printf '%s\n' 'local all all trust' 'host all all 127.0.0.1/32 scram-sha-256' \
        'host replication postgres 127.0.0.1/32 scram-sha-256' | as_server_user tee "$data/pg_hba.conf" >/dev/null

    # A test that ends blocks its own half-open connections, and DROP DATABASE waits for those until this time-out (60 s by default).
    for try in 1 2 3 4 5; do
        POSTGRES_PORT=$wanted
        ((wanted != 0)) || POSTGRES_PORT=$(free_ports)
        spawn postgres "${prefix[@]}" "$PG_BIN/postgres" -D "$data" -p "$POSTGRES_PORT" -c listen_addresses=127.0.0.1 \
            -c unix_socket_directories="$SERVERS/socket" -c max_connections=200 -c fsync=on -c timezone=UTC \
            -c authentication_timeout=10s \
            -c shared_preload_libraries=pg_stat_statements -c log_parameter_max_length_on_error=0
        wait_for_postgres && break
        # Another process may have taken the port since we looked: with a port of our own choice, choose again.
        stop postgres 10 INT QUIT
        ((wanted == 0 && try < 5)) && grep -q 'could not create any TCP/IP sockets' "$STATE/log/postgres.log" && continue
        die "PostgreSQL did not start on port $POSTGRES_PORT. The last lines of $STATE/log/postgres.log:" "$(tail -n 8 "$STATE/log/postgres.log")"
    done
    make_roles
}

wait_for_postgres() {
    local i
    # Replaying the log after a kill -9 takes seconds; a minute means that something else is wrong.
    for ((i = 0; i < 600; i++)); do
        admin_psql -d postgres -c 'select 1' >/dev/null 2>&1 && return 0
        ((i < 5)) || alive "$STATE/run/postgres" || return 1
        sleep 0.1
    done
    return 1
}

# The owner migrates; app and engine serve. None may bypass row level security, and the last two own nothing.
make_roles() {
    admin_psql -d postgres <<SQL
set client_min_messages = warning;
select format('create role %I', name) from unnest(array['vio_owner', 'vio_app', 'vio_engine']) as name
 where not exists (select from pg_roles where rolname = name) \gexec
alter role postgres password '$(password_of postgres)';
alter role vio_owner  login createdb   nosuperuser nocreaterole noreplication nobypassrls password '$(password_of vio_owner)';
alter role vio_app    login nocreatedb nosuperuser nocreaterole noreplication nobypassrls password '$(password_of vio_app)';
alter role vio_engine login nocreatedb nosuperuser nocreaterole noreplication nobypassrls password '$(password_of vio_engine)';
grant vio_engine to vio_owner; -- so that a migration can hand a function over to it
SQL
}

# The product's database: the owner's alone, but for connecting.
make_database() {
    [[ -n $(admin_psql -d postgres -c "select 1 from pg_database where datname = '$1'") ]] ||
        admin_psql -d postgres -c "create database \"$1\" owner vio_owner"
    admin_psql -d "$1" <<SQL
set client_min_messages = warning;
create extension if not exists pg_stat_statements;
revoke all on database "$1" from public;
grant connect, temporary on database "$1" to vio_app, vio_engine;
SQL
}

# database_url <role> <database>
database_url() { echo "postgres://$1:$(password_of "$1")@127.0.0.1:$POSTGRES_PORT/$2"; }

# ---- Redis -------------------------------------------------------------------------------------------------------------

ask_redis() { REDISCLI_AUTH=$(password_of redis) redis-cli -h 127.0.0.1 -p "$REDIS_PORT" "$@" 2>&1; }

# start_redis <port, or 0 for a free one>: sets REDIS_PORT.
start_redis() {
    local wanted=$1 dir=$SERVERS/redis try prefix
    server_prefix
    end_orphans "$dir" TERM
    for try in 1 2 3 4 5; do
        REDIS_PORT=$wanted
        ((wanted != 0)) || REDIS_PORT=$(free_ports)
        # In a file, and not on the command line, which every user of the machine can read. noeviction: a queue is no cache.
        printf '%s\n' "bind 127.0.0.1" "port $REDIS_PORT" "dir \"$dir\"" "requirepass $(password_of redis)" "daemonize no" \
            "save \"\"" "appendonly yes" "appendfsync everysec" "maxmemory-policy noeviction" |
            as_server_user sh -c "umask 077 && cat >'$dir/redis.conf'"
        spawn redis "${prefix[@]}" redis-server "$dir/redis.conf"
        wait_for_redis && return
        stop redis 10 TERM
        ((wanted == 0 && try < 5)) && grep -q 'Address already in use' "$STATE/log/redis.log" && continue
        die "Redis did not start on port $REDIS_PORT. The last lines of $STATE/log/redis.log:" "$(tail -n 8 "$STATE/log/redis.log")" \
            "If it can't read its own file after a crash, its data can go: rm -r $dir (PostgreSQL has the truth)."
    done
}

wait_for_redis() {
    local i
    for ((i = 0; i < 300; i++)); do
        [[ $(ask_redis ping) == PONG ]] && return 0
        ((i < 5)) || alive "$STATE/run/redis" || return 1
        sleep 0.1
    done
    return 1
}

redis_url() { echo "redis://default:$(password_of redis)@127.0.0.1:$REDIS_PORT/0"; }
