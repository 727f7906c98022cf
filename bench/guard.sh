#!/bin/bash
# The regression guard: what small works cost on each stage, in steps and not in time, beside what is
# recorded in bench/guard/table.tsv. What has grown by more than 5 % is a failure, and reported; what
# has shrunk by as much is reported. (bench/guard/guard.h says what is counted, and of what works.)
#
#   bench/guard.sh [--help | --record]    --record: keep what it costs now
#
#   TABLE=bench/guard/table.tsv   what is recorded, and where
#   B=build                       where strata-guard was built (or GUARD=, another one)
#   NOW=                          a table that was measured already
#   PLACE=/dev/shm                where the databases are made, 10 MB ($TMPDIR if there is no such)
#
# Example
#   make guard
#
# Instructions are counted by Callgrind, where valgrind is installed, and compared where compiler,
# options and libraries are those that they were recorded with: others make other code of the same
# source. The last line is "N passed, N failed": of works. Exit status: 0 nothing has grown,
# 1 something has, 2 usage, 7 other failure.
set -u -o pipefail
export LC_ALL=C

usage() { echo "guard: $1" >&2; exit 2; }
record=
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
--record) record=1 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
cd "$(dirname "$0")/.." || exit 7

B=${B:-build}
GUARD=${GUARD:-$B/bench/strata-guard} TABLE=${TABLE:-bench/guard/table.tsv}
case $GUARD in /*) ;; *) GUARD=$PWD/$GUARD ;; esac
[ -x "$GUARD" ] || { echo "guard: there is no $GUARD: run \"make bench-build\"" >&2; exit 7; }

. bench/scratch.bash
[ -w /dev/shm ] && PLACE=${PLACE:-/dev/shm}
TMPDIR=${PLACE:-${TMPDIR:-/tmp}} && scratch guard

# An environment of its own: how much of it there is moves the stack.
count() { # COMMAND...
    mkdir "$T/db" && env -i "$@" "$GUARD" "$T/db" >"$T/counts"
    local rc=$?
    rm -rf "$T/db"
    return $rc
}

# Callgrind begins to count in guard_begin and writes what it has at guard_end: a file a row.
count_instructions() {
    local valgrind
    valgrind=$(command -v valgrind) || return 1
    count "$valgrind" --tool=callgrind --callgrind-out-file="$T/callgrind" --zero-before=guard_begin \
        --dump-before=guard_end >"$T/said" 2>&1 && return 0
    echo "guard: valgrind failed, so instructions are not counted:" >&2
    tail -3 "$T/said" >&2
    return 1
}

# The totals of the files, in their order, as the last column of the rows.
add_instructions() {
    awk -v files="$T/callgrind." '
        BEGIN { FS = OFS = "\t" }
        /^[0-9]/ {
            file = files (++row)
            while ((getline line < file) > 0)
                if (line ~ /^totals: /) $NF = substr(line, 9)
            close(file)
        }
        { print }' "$T/counts"
}

now() {
    if count_instructions; then
        add_instructions
    else
        count && cat "$T/counts"
    fi
}

if [ -z "${NOW:-}" ]; then
    NOW=$T/now
    now >"$NOW" || { echo "guard: strata-guard failed" >&2; exit 7; }
fi
if [ -n "$record" ]; then
    [ -e "$TABLE" ] && "$GUARD" --compare "$TABLE" "$NOW" | grep -vE '^FAILED|^What|passed'
    cp "$NOW" "$TABLE" || exit 7
    echo "recorded: $(grep -c '^[0-9]' "$TABLE") works in $TABLE"
    awk 'END { if ($NF == "-") print "without instructions: there is no valgrind" }' "$TABLE"
else
    "$GUARD" --compare "$TABLE" "$NOW"
fi
