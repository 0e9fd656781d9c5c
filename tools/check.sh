#!/usr/bin/env bash
# `make check`: every test, suite after suite. The last line is "N passed, N failed".
#
#   tools/check.sh [SUITE...]      all suites, or the named ones
#
# A suite whose directory does not exist is left out; one that runs no test has failed. Each suite's whole output is
# kept in build/log/check/.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# The suites in the order they run: what is quick and what finds most first. Those that need no shared cluster run beside the
# others, which keep one processor busy.
readonly all_suites=(lint unit oracle regress isolation pgtap http tap bench docs fuzz valgrind)
readonly apart_suites=' unit oracle fuzz valgrind '
readonly fuzz_seconds=${CLINIC_FUZZ_SECONDS:-40}

# Results: of the suite that runs, and of all.
passed=0 failed=0
total_passed=0 total_failed=0

# The cluster that the suites in SQL share: none yet, running, or broken.
server=none

# ----------------------------------------------------------------------------------------------------------------------
# Counting

count() { # passed, failed
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# Runs a program that speaks TAP; its output, status and duration are kept for count_tap.
run_tap() { # name, command...
    local out status=0 began=$SECONDS
    out=$(tap_log "$1")
    shift
    timeout 1200 "$@" >"$out" 2>&1 </dev/null || status=$?
    printf '%d %d\n' "$status" $((SECONDS - began)) >"$out.status"
}

tap_log() { # name
    printf '%s/%s-%s.tap\n' "$logs" "$suite" "$(printf '%s' "$1" | tr '/ ' '--')"
}

# Counts the tests of a program that run_tap ran. Tests of the plan that never ran have failed, and so has a program that
# ends badly without saying which test did.
count_tap() { # name
    local name=$1 out status seconds
    out=$(tap_log "$name")
    read -r status seconds <"$out.status"
    local counts
    counts=$(awk -v status="$status" '
        /^ok( |$)/ { good++ }
        /^not ok( |$)/ { if (/# *[Tt][Oo][Dd][Oo]/) good++; else bad++ }
        /^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; planned = 1 }
        END {
            if (!planned && status == 0) bad++
            if (planned && plan > good + bad) bad = plan - good
            if (planned && plan < good + bad && bad == 0) bad = 1
            if (status != 0 && bad == 0) bad = 1
            print good + 0, bad + 0
        }' "$out")
    # shellcheck disable=SC2086 # two numbers
    count $counts
    if [[ ${counts#* } != 0 ]]; then
        printf '   --- %s (status %d, %d s)\n' "$name" "$status" "$seconds"
        # Each failed test with the diagnosis below it; without any, how the program ended.
        awk '/^not ok/ { show = 1 } /^ok/ { show = 0 } show' "$out" | head -n 80
        if ! grep -q '^not ok' "$out"; then
            tail -n 20 "$out"
        fi
    fi
}

# Runs a program that is one test, and shows its last line.
count_program() { # name, command...
    local name=$1 out=$logs/$suite-$1.log
    shift
    if timeout 1200 "$@" >"$out" 2>&1 </dev/null; then
        count 1 0
        printf '   %s: %s\n' "$name" "$(tail -n 1 "$out")"
    else
        count 0 1
        printf '   --- %s\n' "$name"
        tail -n 40 "$out"
    fi
}

# Counts the tests in the output of pg_regress: "... ok" up to 15, TAP from 16 on.
count_regress() { # output file, results directory, status
    local good bad
    good=$(grep -cE '^ok |\.\.\. ok' "$1" || true)
    bad=$(grep -cE '^not ok |\.\.\. FAILED' "$1" || true)
    if (($3 != 0 && bad == 0)); then
        bad=1
    fi
    count "$good" "$bad"
    if ((bad > 0)); then
        grep -E '^not ok |\.\.\. FAILED|^Bail|^diff' "$1" || tail -n 15 "$1"
        if [[ -f $2/regression.diffs ]]; then
            cp "$2/regression.diffs" "$logs/$suite.diffs"
            head -n 80 "$2/regression.diffs"
        fi
    fi
}

# ----------------------------------------------------------------------------------------------------------------------
# What suites need: built programs, a running server

cmake_build() { # directory, options of cmake...
    local dir=build/$1
    shift
    cmake -S . -B "$dir" "$@" && cmake --build "$dir" --parallel "$(nproc)"
}

# Configures and builds, and counts a failed build as a failed test.
built() { # directory, options...
    if ! (while_building_alone cmake_build "$@") >"$logs/$suite-build.log" 2>&1; then
        grep -E -A 6 'error|warning|Error' "$logs/$suite-build.log" | head -n 60 || tail -n 20 "$logs/$suite-build.log"
        count 0 1
        return 1
    fi
}

built_sanitized() { # directory, options...
    built "$@" -DCLINIC_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=None "-DCMAKE_CXX_FLAGS=-O1 -g1"
}

# Stages the extension, once, whichever suite asks first.
with_stage() {
    (
        flock 9
        [[ -e $work/staged ]] || { tools/stage.sh "$work/stage" && touch "$work/staged"; }
    ) 9>"$work/stage.lock"
}

# Stages the extension and starts the cluster that the suites in SQL share; the first of them pays.
with_server() {
    if [[ $server == none ]]; then
        server=broken
        with_stage && PG_CLINIC_STAGE=$work/stage tools/cluster.sh start "$work/pg" --owner $$ "$work" && server=running
        if [[ $server == running ]]; then
            eval "$(tools/cluster.sh env "$work/pg")"
            export PG_CLINIC_STAGE=$work/stage PG_CLINIC_CLUSTER=$work/pg
        fi
    fi
    if [[ $server == broken ]]; then
        echo '   there is no server to test in'
        count 0 1
        return 1
    fi
}

# A program that PostgreSQL's test files bring, such as regress/pg_regress.
test_program() {
    printf '%s/test/%s\n' "$(dirname "$(dirname "$("$PG_CONFIG" --pgxs)")")" "$1"
}

pg_regress() { # program, schedule
    local out=$work/$suite status=0
    with_server || return 0
    mkdir -p "$out"
    "$(test_program "$1")" --bindir="$PG_CLINIC_STAGE/bin" --inputdir=test --outputdir="$out" \
        --dbname="contrib_$suite" --schedule="$2" >"$logs/$suite.log" 2>&1 </dev/null || status=$?
    count_regress "$logs/$suite.log" "$out" "$status"
}

# ----------------------------------------------------------------------------------------------------------------------
# The suites. A function wants_x says whether there is anything to run.

wants_lint() { true; }
suite_lint() {
    run_tap lint tools/lint.sh
    count_tap lint
}

# With the address and undefined behaviour sanitizers: one build serves the units and the oracles.
wants_unit() { [[ -d test/unit ]]; }
suite_unit() {
    built_core && run_ctest build/sanitize
}

built_core() {
    built_sanitized sanitize
}

run_ctest() { # build directory
    local out=$logs/$suite.log line
    ctest --test-dir "$1" --parallel "$(nproc)" --output-on-failure >"$out" 2>&1 </dev/null || true
    line=$(grep -E 'tests? passed, .* failed out of' "$out" || true)
    if [[ $line =~ ,\ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
        count $((BASH_REMATCH[2] - BASH_REMATCH[1])) "${BASH_REMATCH[1]}"
    fi
    if ((failed > 0)); then
        grep -E -A 25 '\*\*\*Failed|\*\*\*Exception|\*\*\*Timeout' "$out" | head -n 80 || true
    fi
}

# Each test/oracle/x_oracle.py compares the program x_cli with an independent implementation; its last line says over
# how many cases. One script is one test, however many cases it compares.
wants_oracle() { [[ -d test/oracle ]]; }
suite_oracle() {
    local script name
    built_core || return 0
    for script in test/oracle/*_oracle.py; do
        name=$(basename "$script" _oracle.py)
        count_program "$name" "$python" "$script" "build/sanitize/${name}_cli"
    done
}

wants_regress() { [[ -d test/sql ]]; }
suite_regress() {
    pg_regress regress/pg_regress test/regress_schedule
}

wants_isolation() { [[ -d test/specs ]]; }
suite_isolation() {
    pg_regress isolation/pg_isolation_regress test/isolation_schedule
}

# test/pgtap/*.sql in one database with the schema installed; each file begins and rolls back its own transaction.
wants_pgtap() { [[ -d test/pgtap ]]; }
suite_pgtap() {
    local file
    with_server || return 0
    if ! {
        createdb pgtap
        psql -Xqd pgtap -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION pg_clinic CASCADE' \
            -c 'CALL clinic.install()'
    } >"$logs/pgtap.log" 2>&1; then
        cat "$logs/pgtap.log"
        count 0 1
        return 0
    fi
    for file in test/pgtap/*.sql; do
        run_tap "$file" psql -XqAtd pgtap -v ON_ERROR_STOP=1 -P pager=off -f "$file"
        count_tap "$file"
    done
}

# Programs that speak TAP, for what SQL alone cannot do. They make the clusters they need with tools/cluster.sh, and run side
# by side, one more than there are processors: most of them wait more than they compute.
wants_tap() { [[ -d test/t ]]; }
suite_tap() {
    local file running=0 programs=(test/t/*.py test/t/*.pl test/t/*.sh)
    with_server || return 0
    (
        for file in "${programs[@]}"; do
            if ((running > $(nproc))); then
                wait -n
                running=$((running - 1))
            fi
            case $file in
                *.sh) run_tap "$file" bash "$file" & ;;
                *.py) run_tap "$file" "$python" "$file" & ;;
                *.pl) run_tap "$file" perl "$file" & ;;
            esac
            running=$((running + 1))
        done
        wait
    )
    for file in "${programs[@]}"; do
        count_tap "$file"
    done
    printf '   the longest:'
    awk '{ print $2, FILENAME }' "$logs"/tap-*.status | sort -rn | head -n 5 |
        while read -r seconds file; do
            file=${file##*/tap-test-t-}
            printf ' %s %d s' "${file%.tap.status}" "$seconds"
        done
    echo
}

# The API over HTTP, by the real PostgREST, which npm brings.
wants_http() { [[ -d test/http ]]; }
suite_http() {
    with_server || return 0
    run_tap http test/http/run.sh
    count_tap http
}

# Every benchmark runs, and its two sides return the same rows; no figure is judged.
wants_bench() { [[ -d bench/lines ]]; }
suite_bench() {
    with_server || return 0
    CLINIC_BENCH=1 run_tap bench "$python" bench/run --smoke
    count_tap bench
}

# docs/api.md and docs/errors.md say what the catalog says.
wants_docs() { [[ -f docs/api.md ]]; }
suite_docs() {
    with_server || return 0
    {
        createdb docs
        psql -Xqd docs -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pg_clinic CASCADE' -c 'CALL clinic.install()'
    } >"$logs/docs.log" 2>&1
    compare_document docs/api.md tools/api_reference.sh
    compare_document docs/errors.md tools/error_reference.sh
}

compare_document() { # file, the tool that prints it
    local name
    name=$(basename "$1" .md)
    if { "$2" --print docs >"$work/$name.md" && diff -u "$1" "$work/$name.md"; } >"$logs/docs-$name.log" 2>&1; then
        count 1 0
    else
        count 0 1
        head -n 40 "$logs/docs-$name.log"
        echo "   run \`make docs\` and commit $1"
    fi
}

# Each test/valgrind/*.sql runs in a server under valgrind. Statements end with a semicolon and an empty line.
wants_valgrind() { [[ -d test/valgrind ]]; }
suite_valgrind() {
    local file out status data=$work/valgrind/data
    with_stage || return 0
    export PG_CLINIC_STAGE=$work/stage
    tools/cluster.sh start "$work/valgrind"
    (eval "$(tools/cluster.sh env "$work/valgrind")" && psql -Xqc 'CREATE DATABASE smoke')
    tools/cluster.sh halt "$work/valgrind"
    cp test/valgrind/postgresql.supp "$work/" # where the user postgres may read it
    for file in test/valgrind/*.sql; do
        out=$logs/valgrind-$(basename "$file" .sql).log
        status=0
        as_server_user valgrind --quiet --error-exitcode=9 --suppressions="$work/postgresql.supp" \
            "$work/stage/bin/postgres" --single -j -D "$data" smoke <"$file" >"$out" 2>&1 || status=$?
        if ((status == 0)) && ! grep -qE '^==[0-9]+==|ERROR: |FATAL: |PANIC: ' "$out"; then
            count 1 0
        else
            count 0 1
            echo "   --- $file (status $status)"
            grep -E -A 12 '^==[0-9]+==|ERROR: |FATAL: |PANIC: ' "$out" | head -n 60 || true
        fi
    done
}

# Each fuzzer gets its share of the time. Inputs it finds stay in build/corpus; test/fuzz/corpus is what we keep.
wants_fuzz() { [[ -d test/fuzz ]]; }
suite_fuzz() {
    local sources=(test/fuzz/fuzz_*.cpp) source name seconds status corpus
    if ((${#sources[@]} == 0)); then
        return
    fi
    CXX=clang++ built_sanitized fuzz -DCLINIC_FUZZ=ON || return 0
    seconds=$((fuzz_seconds / ${#sources[@]}))
    for source in "${sources[@]}"; do
        name=$(basename "$source" .cpp)
        name=${name#fuzz_}
        mkdir -p "build/corpus/$name" build/crashes
        corpus=("build/corpus/$name")
        if [[ -d test/fuzz/corpus/$name ]]; then
            corpus+=("test/fuzz/corpus/$name")
        fi
        status=0
        "build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
            -artifact_prefix="build/crashes/$name-" "${corpus[@]}" \
            >"$logs/fuzz-$name.log" 2>&1 </dev/null || status=$?
        printf '   %s: %s inputs in %d s\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$name.log")" "$seconds"
        if ((status == 0)); then
            count 1 0
        else
            count 0 1
            tail -n 40 "$logs/fuzz-$name.log"
        fi
    done
}

# ----------------------------------------------------------------------------------------------------------------------

run_suite() {
    suite=$1 passed=0 failed=0
    local began=$SECONDS
    say "$suite"
    "suite_$suite" || true
    if ((passed + failed == 0)); then
        echo "   $suite ran no test, which counts as one that failed"
        failed=1
    fi
    printf '   %s: %d passed, %d failed (%d s)\n' "$suite" "$passed" "$failed" $((SECONDS - began))
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
}

run_suites() { # suites...
    local name
    for name in "$@"; do
        if "wants_$name"; then
            run_suite "$name"
        fi
    done
}

# In a process of its own, which leaves its output and results behind for join_apart.
apart_process=
start_apart() { # suites...
    (
        run_suites "$@"
        echo "$total_passed $total_failed" >"$work/apart.results"
    ) >"$work/apart.output" 2>&1 &
    apart_process=$!
}

join_apart() {
    local apart_passed apart_failed
    wait "$apart_process" || true
    apart_process=
    cat "$work/apart.output"
    read -r apart_passed apart_failed <"$work/apart.results" || { apart_passed=0 apart_failed=1; }
    total_passed=$((total_passed + apart_passed))
    total_failed=$((total_failed + apart_failed))
}

clean_up() {
    local status=$?
    if [[ -n $apart_process ]]; then
        kill "$apart_process" 2>/dev/null || true
    fi
    if [[ -d $work/pg ]]; then
        if ((status != 0)) && [[ -f $work/pg/server.log ]]; then
            cp "$work/pg/server.log" "$logs/server.log"
        fi
        tools/cluster.sh stop "$work/pg" || true
    fi
    rm -rf build/log/check
    cp -r "$logs" build/log/check 2>/dev/null || true
    rm -rf "$work"
}

main() {
    local chosen=("$@") name apart=() others=()
    if ((${#chosen[@]} == 0)); then
        chosen=("${all_suites[@]}")
    fi
    for name in "${chosen[@]}"; do
        if [[ " ${all_suites[*]} " != *" $name "* ]]; then
            die "there is no suite \"$name\": ${all_suites[*]}"
        fi
        if [[ $apart_suites == *" $name "* ]]; then
            apart+=("$name")
        else
            others+=("$name")
        fi
    done

    tools/install_packages.sh check
    find_postgresql
    python=/usr/bin/python3 # the one Debian's modules belong to
    if [[ ! -x $python ]]; then
        python=python3
    fi

    work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
    chmod 755 "$work"
    logs=$work/log
    mkdir -p "$logs" build/log
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    shopt -s nullglob
    # Builds use all processors: the one that most suites wait for comes first.
    for name in "${others[@]}"; do
        if [[ $name != lint ]]; then
            with_stage || true
            break
        fi
    done
    if ((${#apart[@]} > 0)); then
        start_apart "${apart[@]}"
    fi
    run_suites "${others[@]}"
    if ((${#apart[@]} > 0)); then
        join_apart
    fi

    say "all output is in build/log/check"
    printf '%d passed, %d failed\n' "$total_passed" "$total_failed"
    ((total_failed == 0 && total_passed > 0))
}

main "$@"
