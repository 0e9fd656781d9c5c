#!/bin/sh
# Prints the SQL of a Markdown file: what stands in its blocks marked ```sql.
#
#   test/support/sql_blocks.sh FILE [LAST]     all blocks, or the first LAST ones; `\set blocks N` at the end of all
set -eu
exec awk -v last="${2:-0}" '
    /^```sql$/ { inside = 1; n++; next }
    /^```$/ { inside = 0; if (last > 0 && n == last) exit }
    inside { print }
    END { if (last == 0) print "\\set blocks " n }' "$1"
