#!/usr/bin/env bash
# Writes the reference of the API from the catalog's comments.
#
#   tools/api_reference.sh [FILE]             builds, installs into a throw-away cluster, writes FILE (docs/api.md)
#   tools/api_reference.sh --print DATABASE   prints it for a database of the running server
#
# Functions stand in the groups of the files that make them: a file of sql/engine or sql/api is one group, titled by
# its first comment up to the first stop or colon.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# One line for each function name: its group's place, its group's title, its name.
groups() {
    local file place=0 title name
    for file in sql/engine/*.sql sql/api/*.sql; do
        if [[ ! -f $file ]]; then
            continue
        fi
        place=$((place + 1))
        title=$(sed -n '/^-- */{s/^-- *//;s/[.:;].*//;p;q}' "$file")
        if [[ -z $title ]]; then
            title=$(basename "$file" .sql | sed 's/^[0-9]*_//;s/_/ /g')
        fi
        { grep -oiE 'CREATE (OR REPLACE )?(FUNCTION|PROCEDURE|AGGREGATE) clinic\.[a-z_0-9]+' "$file" || true; } |
            sed 's/.*\.//' | while read -r name; do
            printf '%d\t%s\t%s\n' "$place" "${title^}" "$name"
        done
    done
}

print_reference() { # database
    local work
    work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
    groups >"$work/groups"
    psql -XqAtd "$1" -v ON_ERROR_STOP=1 -v groups="$work/groups" -P pager=off -f tools/api_reference.sql
    rm -rf "$work"
}

write_reference() { # file
    local file
    file=$(absolute "$1")
    createdb reference
    psql -Xqd reference -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' \
        -c 'CREATE EXTENSION pg_clinic CASCADE' -c 'CALL clinic.install()'
    print_reference reference >"$file.new"
    mv "$file.new" "$file"
    say "wrote $1"
}

case ${1:-} in
    --print) print_reference "${2:?usage: tools/api_reference.sh --print DATABASE}" ;;
    --inside) write_reference "$2" ;;
    *)
        tools/install_packages.sh build
        tools/cluster.sh run tools/api_reference.sh --inside "$(absolute "${1:-docs/api.md}")"
        ;;
esac
