#!/usr/bin/env bash
# Writes the part of the install script that carries the migrations: each file of plain DDL becomes the body of a
# procedure, unchanged, and two functions list the files with their checksums.
#
#   tools/wrap_migrations.sh DIR            the SQL, on standard output
#   tools/wrap_migrations.sh --check DIR    only checks the files; one line for each problem, status 1 if any
set -euo pipefail
export LC_ALL=C # one order of files everywhere

readonly tag='$clinic_migration$'

# Prints what a file holds that a PL/pgSQL body cannot: a query without INTO or PERFORM, transaction control, psql's
# commands, COPY from the client, our own dollar tag. Looks at the first word of each statement, past strings, quoted
# names, dollar quotes and comments.
problems_of() {
    perl -0777 -ne '
        my $file = $ARGV;
        my ($line, $at_start) = (1, 1);
        print "$file: holds the tag \$clinic_migration\$\n" if index($_, q($clinic_migration$)) >= 0;
        while (/\G( (?<blank> \s+ | --[^\n]* | (?<comment> \/\* (?: (?>[^*\/]+) | \*(?!\/) | \/(?!\*) | (?&comment) )* \*\/ ) )
                  | (?<string> [eE]\x27 (?: [^\x27\\] | \\. | \x27\x27 )* \x27 | \x27 (?: [^\x27] | \x27\x27 )* \x27
                             | " (?: [^"] | "" )* " | (?<tag> \$ (?: [A-Za-z_]\w* )? \$ ) .*? \k<tag> )
                  | (?<end> ; ) | (?<word> [A-Za-z_][\w\$]* ) | . )/xsgc) {
            my $token = $1;
            if (defined $+{end}) { $at_start = 1 }
            elsif (!defined $+{blank}) {
                if ($at_start) {
                    my $word = uc($+{word} // $token);
                    print "$file:$line: a bare $word has no place for its rows; use PERFORM, or INSERT ... SELECT\n"
                        if $word =~ /^(SELECT|VALUES|TABLE|\()$/;
                    print "$file:$line: $word controls a transaction; migrate() owns it\n"
                        if $word =~ /^(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|ABORT)$/;
                    print "$file:$line: a command of psql, not of the server\n" if $word eq "\\";
                    print "$file:$line: COPY cannot read from the client here; use INSERT\n" if $word eq "COPY";
                }
                $at_start = 0;
            }
            $line += ($token =~ tr/\n//);
        }
        print "$file: the last statement has no semicolon\n" unless $at_start;
    ' "$@"
}

checksum_of() {
    sha256sum <"$1" | cut -d' ' -f1
}

# The body of a procedure that runs one file.
procedure() { # name, file, comment
    printf 'CREATE PROCEDURE clinic_private.%s()\n' "$1"
    printf '    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp\nAS %s\nBEGIN\n' "$tag"
    cat "$2"
    printf '\nEND\n%s;\n' "$tag"
    printf 'COMMENT ON PROCEDURE clinic_private.%s() IS\n    %s;\n' "$1" "'$3'"
    printf 'REVOKE ALL ON PROCEDURE clinic_private.%s() FROM PUBLIC;\n' "$1"
    printf 'GRANT EXECUTE ON PROCEDURE clinic_private.%s() TO clinic_owner;\n\n' "$1"
}

# A function that lists rows; the rows come on standard input, one SQL row constructor a line.
listing() { # name, columns, empty row, comment
    local rows
    rows=$(paste -sd, - | sed 's/),(/),\n           (/g')
    printf 'CREATE FUNCTION clinic_private.%s()\n    RETURNS TABLE (%s)\n' "$1" "$2"
    printf '    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp\nAS $$\n'
    if [[ -n $rows ]]; then
        printf '    VALUES %s\n' "$rows"
    else
        printf '    SELECT %s WHERE false\n' "$3"
    fi
    printf '$$;\nCOMMENT ON FUNCTION clinic_private.%s() IS\n    %s;\n' "$1" "'$4'"
    printf 'REVOKE ALL ON FUNCTION clinic_private.%s() FROM PUBLIC;\n' "$1"
    printf 'GRANT EXECUTE ON FUNCTION clinic_private.%s() TO clinic_owner;\n\n' "$1"
}

main() {
    local check=no file base number name
    if [[ ${1:-} == --check ]]; then
        check=yes
        shift
    fi
    local dir=${1:?usage: tools/wrap_migrations.sh [--check] DIR}

    shopt -s nullglob
    local numbered=("$dir"/[0-9]*.sql) repeatable=("$dir"/repeatable/*.sql)
    local files=(${numbered[@]+"${numbered[@]}"} ${repeatable[@]+"${repeatable[@]}"})

    local problems='' last=''
    if ((${#files[@]} > 0)); then
        problems=$(problems_of "${files[@]}")
    fi
    for file in ${numbered[@]+"${numbered[@]}"}; do
        base=$(basename "$file" .sql)
        if ! [[ $base =~ ^[0-9]{4}_[a-z][a-z0-9_]*$ ]]; then
            problems+=$'\n'"$file: is not named NNNN_name.sql"
        elif [[ ${base%%_*} == "$last" ]]; then
            problems+=$'\n'"$file: number $last is used twice"
        fi
        last=${base%%_*}
    done
    for file in ${repeatable[@]+"${repeatable[@]}"}; do
        if ! [[ $(basename "$file" .sql) =~ ^[a-z0-9][a-z0-9_]*$ ]]; then
            problems+=$'\n'"$file: is not named in lower snake case"
        fi
    done
    if [[ -n $problems ]]; then
        sed '/^$/d' <<<"$problems" >&2
        exit 1
    fi
    if [[ $check == yes ]]; then
        return
    fi

    printf -- '-- Written by tools/wrap_migrations.sh from %s; change the files there.\n\n' "$dir"
    for file in ${numbered[@]+"${numbered[@]}"}; do
        base=$(basename "$file" .sql)
        procedure "migration_${base%%_*}" "$file" "Migration ${base%%_*}, ${base#*_}: run once by clinic.migrate()."
    done
    for file in ${repeatable[@]+"${repeatable[@]}"}; do
        base=$(basename "$file" .sql)
        procedure "repeatable_$base" "$file" "Part $base: run by every clinic.install() and clinic.migrate()."
    done

    for file in ${numbered[@]+"${numbered[@]}"}; do
        base=$(basename "$file" .sql)
        number=$((10#${base%%_*}))
        name=${base#*_}
        printf "(%d, '%s', '%s')\n" "$number" "$name" "$(checksum_of "$file")"
    done | listing migrations 'migration_no int, name text, checksum text' \
        'NULL::int, NULL::text, NULL::text' \
        'The numbered migrations of this version, with the SHA-256 of their files.'

    for file in ${repeatable[@]+"${repeatable[@]}"}; do
        printf "('%s', '%s')\n" "$(basename "$file" .sql)" "$(checksum_of "$file")"
    done | listing repeatables 'name text, checksum text' 'NULL::text, NULL::text' \
        'The repeatable parts of this version in the order they run, with the SHA-256 of their files.'
}

main "$@"
