#!/usr/bin/env bash
# The gates between C++ and the server, tried from inside: builds test/modules/gates from the objects of the
# extension, and runs its SQL, which speaks TAP.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
trap 'tools/cluster.sh stop "$work/pg" || true; rm -rf "$work"' EXIT
chmod 755 "$work"

pg_config=${PG_CONFIG:-pg_config}
major=$("$pg_config" --version | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
objects=()
for object in build/pg"$major"-precompiled/core/*.o build/pg"$major"-precompiled/pg/*.o; do
    if [[ $object != */module.o ]]; then
        objects+=("$object")
    fi
done
flags=(-std=c++20 -O1 -g -fPIC -Wall -Wextra -Wshadow -Werror -fvisibility=hidden -D_GNU_SOURCE -Isrc
    -isystem "$("$pg_config" --includedir-server)")
if ((major < 16)); then
    flags+=('-DPGDLLEXPORT=__attribute__((visibility("default")))')
fi
g++ "${flags[@]}" -shared -o "$work/gates.so" test/modules/gates/gates.cpp "${objects[@]}"
chmod a+r "$work/gates.so"

tools/cluster.sh start "$work/pg" --owner $$
eval "$(tools/cluster.sh env "$work/pg")"
psql -Xq -v module="$work/gates" -f test/modules/gates/gates.sql
