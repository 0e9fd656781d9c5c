#!/usr/bin/env bash
# Static checks, one line of TAP each: the rules of docs/development.md that a machine can see.
set -euo pipefail
. "$(dirname "$0")/common.sh"

number=0
failures=0

# Runs a check that prints each offence; silence is success.
check() { # description, command...
    local description=$1 offences
    shift
    number=$((number + 1))
    offences=$("$@" 2>&1 || true)
    if [[ -z $offences ]]; then
        printf 'ok %d - %s\n' "$number" "$description"
    else
        failures=$((failures + 1))
        printf 'not ok %d - %s\n' "$number" "$description"
        printf '%s\n' "$offences" | sed 's/^/#   /' | head -n 40
    fi
}

skip() { # description, reason
    number=$((number + 1))
    printf 'ok %d - %s # SKIP %s\n' "$number" "$1" "$2"
}

# The project's own files: no builds, no history, no fuzzing inputs.
files() { # find's conditions...
    find . \( -path ./build -o -path ./.git -o -path ./test/fuzz/corpus -o -path ./.cache \) -prune -o -type f "$@" -print
}

grep_in() { # pattern, find's conditions...
    local pattern=$1
    shift
    files "$@" | sort | xargs -r -d '\n' grep -nEI -- "$pattern"
}

core_knows_no_server() {
    grep_in '#[[:space:]]*include[[:space:]]*[<"](postgres|c\.h|fmgr|funcapi|miscadmin|pgtime|access/|catalog/|commands/|common/|datatype/|executor/|lib/|libpq|mb/|nodes/|optimizer/|parser/|pg/|port|storage/|tcop/|utils/)' \
        -path './src/core/*'
}

core_reads_no_clock() {
    grep_in '\b(system_clock|steady_clock|std::time|::time\(|localtime|gmtime|setlocale|std::locale|getenv)\b' \
        -path './src/core/*'
}

no_pg_try() {
    grep_in '\bPG_(TRY|CATCH|FINALLY)[[:space:]]*\(' -path './src/*'
}

errors_raised_in_one_place() {
    grep_in '\b(ereport|elog)[[:space:]]*\(' -path './src/*' \
        -not -path './src/pg/errors.*' -not -path './src/pg/boundary.*'
}

# Every code that is raised is in the catalogue (the compiler sees to the C++ part), and every entry is raised somewhere: by
# name in C++ or SQL, as a reason of the kernel, or as an error of the core.
error_codes_are_complete() {
    local catalogue raised_in_sql
    catalogue=$(sed -nE 's/^    \{Code::([a-z_]+), .*/\1/p' src/pg/errors.cpp | sort)
    raised_in_sql=$(files -path './sql/*' -name '*.sql' | sort | xargs sed -nE "s/.*raise_error\('([a-z_]+)'.*/\1/p" | sort -u)
    comm -13 <(echo "$catalogue") <(echo "$raised_in_sql") | sed 's/$/: raised in sql, and not in the catalogue/'
    comm -23 <(echo "$catalogue") <({
        echo "$raised_in_sql"
        files -path './src/pg/*.cpp' -not -name errors.cpp -not -name http_errors.cpp | xargs grep -ohE '\bCode::[a-z_]+'
        grep -ohE '\bReason::[a-z_]+' src/core/judge.cpp src/pg/placing.cpp
        files -path './src/core/*.cpp' | xargs grep -ohE '\bErrorCode::[a-z_]+'
        grep -ohE '\bErrorCode::[a-z_]+' src/core/work.hpp
        # Raised by nobody yet.
        echo rate_limited
    } | sed 's/.*:://' | sort -u) | sed 's/$/: in the catalogue, and raised nowhere/'
}

headers_stand_alone() {
    files -name '*.hpp' | sort | xargs -r grep -L '^#pragma once$' | sed 's/$/: no #pragma once/'
    grep_in '^[[:space:]]*using namespace' -name '*.hpp'
}

# Every test file is in its schedule, every name in a schedule has a file and an expected result.
schedules_are_complete() {
    compare_schedule test/regress_schedule test/sql sql
    compare_schedule test/isolation_schedule test/specs spec
}

names_in() { # schedule
    sed -n 's/^test: *//p' "$1" | tr -s ' ' '\n' | sed '/^$/d'
}

compare_schedule() { # schedule, directory, extension
    local name
    if [[ ! -d $2 && ! -f $1 ]]; then
        return
    fi
    if [[ ! -f $1 ]]; then
        echo "$1 does not exist"
        return
    fi
    comm -3 <(names_in "$1" | sort) \
        <(find "$2" -name "*.$3" -printf '%f\n' | sed "s/\.$3\$//" | sort) |
        sed -e "s|^\t\(.*\)|\1.$3 is in no line of $1|" -e t -e "s|\(.*\)|$1 names \1, and $2/\1.$3 does not exist|"
    names_in "$1" | while read -r name; do
        if [[ ! -f expected/$name.out ]]; then
            echo "expected/$name.out does not exist"
        fi
    done
}

expectations_have_tests() {
    local name
    [[ -d expected ]] || return 0
    for name in $(find expected -name '*.out' -printf '%f\n' | sed -E 's/(_[0-9])?\.out$//' | sort -u); do
        if [[ ! -f test/sql/$name.sql && ! -f test/specs/$name.spec ]]; then
            echo "expected/$name.out belongs to no test"
        fi
    done
}

nothing_left_to_do() {
    grep_in '\b(TO''DO|FIX''ME|XX''X)\b' -not -path './expected/*'
}

no_machine_paths() {
    grep_in '(^|[^[:alnum:]_.])/(work|root|home/[a-z]+)/' -not -path './expected/*'
}

no_trailing_space() {
    grep_in '[[:space:]]+$' -not -path './expected/*' -not -name '*.out'
}

# Each version formats a little differently; the one of Debian 12 decides.
find_clang_format() {
    local candidate
    for candidate in clang-format-14 clang-format; do
        if "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

formatted() {
    files -name '*.[ch]pp' | sort | xargs -r "$clang_format" --dry-run 2>&1 | grep 'warning' |
        sed 's/: warning: .*//' | awk -F: '!seen[$1]++ { print "." $1 ":" $2 ": clang-format would change this file" }' |
        sed 's/^\.\././'
}

# Replacing is for what runs again and again; in an install script it would adopt what somebody put there before.
nothing_is_replaced() {
    grep_in '^[[:space:]]*CREATE[[:space:]]+OR[[:space:]]+REPLACE\b' -path './sql/*' -not -path './sql/schema/repeatable/*' -not -path './sql/updates/*'
}

migrations_can_be_wrapped() {
    if [[ -d sql/schema ]]; then
        tools/wrap_migrations.sh --check sql/schema
    fi
}

versions_agree() {
    local control meta
    control=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" pg_clinic.control)
    meta=$(perl -MJSON::PP -0777 -ne \
        '$m = decode_json($_); print "$m->{version} $m->{provides}{pg_clinic}{version}"' META.json)
    if [[ $meta != "$control $control" ]]; then
        echo "pg_clinic.control says $control, META.json says $meta"
    fi
}

shell_is_clean() {
    files \( -name '*.sh' -o -path './.ci/run' \) | sort | xargs -r shellcheck -x
}

main() {
    check 'the core includes neither PostgreSQL nor the glue' core_knows_no_server
    check 'the core reads no clock, locale or environment' core_reads_no_clock
    check 'no PG_TRY in C++' no_pg_try
    check 'errors are raised in src/pg/errors and src/pg/boundary only' errors_raised_in_one_place
    check 'every error code that is raised is in the catalogue, and the other way round' error_codes_are_complete
    check 'headers have #pragma once and open no namespace' headers_stand_alone
    check 'every test is in a schedule, every schedule is true' schedules_are_complete
    check 'every expected result belongs to a test' expectations_have_tests
    check 'nothing is left to do in comments' nothing_left_to_do
    check 'no path of one machine' no_machine_paths
    check 'no space at the end of a line' no_trailing_space
    check 'install scripts replace nothing' nothing_is_replaced
    check 'every migration can be the body of a procedure' migrations_can_be_wrapped
    check 'control file and META.json agree on the version' versions_agree
    if clang_format=$(find_clang_format); then
        check 'C++ is formatted as .clang-format says' formatted
    else
        skip 'C++ is formatted as .clang-format says' 'clang-format 14 is not installed'
    fi
    if command -v shellcheck >/dev/null; then
        check 'shellcheck finds nothing' shell_is_clean
    else
        skip 'shellcheck finds nothing' 'shellcheck is not installed'
    fi
    printf '1..%d\n' "$number"
    ((failures == 0))
}

main
