#!/usr/bin/env bash
# Builds the extension and stages a private PostgreSQL around it:
#
#   tools/stage.sh DIR
#
# PostgreSQL finds its libraries and share files relative to its own program. So DIR receives copies of the programs
# that look for them, links to everything else of this machine's PostgreSQL, and our files; the system stays untouched,
# and two checkouts never see each other's build. Run DIR/bin/postgres, DIR/bin/psql and so on.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# Makes a directory of links to what another directory holds, without an installed pg_clinic.
link_all() { # from, to
    local entry
    mkdir -p "$2"
    for entry in "$1"/*; do
        if [[ ${entry##*/} != pg_clinic* ]]; then
            ln -sfn "$entry" "$2/"
        fi
    done
}

build() {
    make -j"$(nproc)" PG_CONFIG="$PG_CONFIG" PRECOMPILED=yes
}

install_into() {
    build && make PG_CONFIG="$PG_CONFIG" PRECOMPILED=yes DESTDIR="$1" install
}

main() {
    local stage bin lib share program
    stage=$(absolute "${1:?usage: tools/stage.sh DIR}")
    find_postgresql
    bin=$("$PG_CONFIG" --bindir)
    lib=$("$PG_CONFIG" --pkglibdir)
    share=$("$PG_CONFIG" --sharedir)

    link_all "$bin" "$stage$bin"
    for program in postgres initdb pg_ctl pg_upgrade; do
        if [[ -x $bin/$program ]]; then
            rm -f "$stage$bin/$program"
            cp "$bin/$program" "$stage$bin/$program"
        fi
    done
    link_all "$lib" "$stage$lib"
    # In a stage that is there already this is a directory of ours, which no link may replace.
    rm -rf "$stage$share/extension"
    link_all "$share" "$stage$share"
    rm "$stage$share/extension"
    link_all "$share/extension" "$stage$share/extension"
    ln -sfn "${bin#/}" "$stage/bin"

    while_building_alone quietly build/log/build.log install_into "$stage"
    chmod -R a+rX "$stage"
}

main "$@"
