#!/bin/bash
# What this machine can do at best (bench/limits/), and how far from it each workload of a result of
# strata-bench is: the time of an operation beside the time of what has to be done at least.
#
#   bench/limits.sh [--help]
#
#   RESULTS=build/bench/results.json   of strata-bench --json; if it is not there, the limits alone
#   LIMITS=                            a file of strata-limits --json (default: they are measured, or,
#                                      if RESULTS has them, taken from there)
#   JSON=build/bench/limits.json       where the limits are written
#   B=build                            where strata-limits was built
#
# Example
#   make bench-limits
#
# What has to be done at least, of an entry of 116 bytes (key_size and value_size of RESULTS):
#
#   fillseq, fillbatch       store_132                  the entry is stored in a log that survives a kill
#   fillrandom, overwrite,   store_132 + load_huge      ... and its place in memory is not in a cache
#   filluniquerandom, deleterandom                      (all of these, where each write was synced:
#                                                       fdatasync_room for the store)
#   fillsync                 fdatasync_room             a synced write each
#   fill100K                 100,000 bytes at write_seq
#   readrandom               2 load_huge                the block, and the entry in it
#   readhot                  load_huge
#   readmissing              load_huge                  a line of a filter
#   readsmallcache           pread_4k + xxh3_4k + lz4_unpack_4k    a block is read, checked, unpacked
#   readseq, readreverse     the entry's bytes at memcpy_large
#   seekrandom               2 load_huge + 11 entries at memcpy_large
#   compact                  of each block of 4 KiB: lz4_unpack_4k + lz4_pack_4k + 2 xxh3_4k, on one
#                            thread; and as many entries as RESULTS' num
#
# A limit is nobody's goal: an engine has to keep order, answer errors and remember more than that. It
# tells where time is left to be saved, and where none is. Exit status: 0 ok, 1 something failed, 2 usage.
set -u -o pipefail
export LC_ALL=C

usage() { echo "limits: $1" >&2; exit 2; }
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
RESULTS=${RESULTS:-$B/bench/results.json} LIMITS=${LIMITS:-} JSON=${JSON:-$B/bench/limits.json}
program=$B/bench/strata-limits
has_limits() { [ -f "$1" ] && grep -q '"limit": "' "$1"; }

if [ -z "$LIMITS" ] && has_limits "$RESULTS"; then
    LIMITS=$RESULTS
elif [ -z "$LIMITS" ]; then
    [ -x "$program" ] || { echo "limits: there is no $program: run \"make bench-build\"" >&2; exit 1; }
    "$program" --json >"$JSON.new" || { rm -f "$JSON.new"; exit 1; }
    mv "$JSON.new" "$JSON" || exit 1
    LIMITS=$JSON
fi
has_limits "$LIMITS" || { echo "limits: $LIMITS has no limits" >&2; exit 1; }

# Both files have one thing a line.
# shellcheck disable=SC2016 # awk's own
fields='
    function text(name) { return match($0, "\"" name "\": *\"[^\"]*\"") ? unquoted(substr($0, RSTART, RLENGTH)) : "" }
    function unquoted(pair) { sub(/^[^:]*: *"/, "", pair); sub(/"$/, "", pair); return pair }
    function number(name,    pair) {
        if (!match($0, "\"" name "\": *[0-9.e+-]+")) return 0
        pair = substr($0, RSTART, RLENGTH)
        sub(/^[^:]*: */, "", pair)
        return pair + 0
    }'

limits_table() {
    awk "$fields"'
        BEGIN {
            print "| limit            |      best |    median | unit | what is done |"
            print "|------------------|----------:|----------:|------|--------------|"
        }
        /"limit": "/ { printf "| %-16s | %9.0f | %9.0f | %-4s | %s |\n", text("limit"), number("best"), number("median"), text("unit"), text("about") }' "$LIMITS"
}

# A row a run whose workload has a limit.
distances() {
    awk -v limits="$LIMITS" "$fields"'
        BEGIN {
            while ((getline <limits) > 0)
                if (/"limit": "/) limit[text("limit")] = number("best")
            entry = 116
            copy = 1e3 / limit["memcpy_large"] # ns a byte
            huge = limit["load_huge"]
            written = limit["store_132"]
            print "\nEach workload beside its limit: nanoseconds an operation\n"
            print "| engine         | workload         |  an operation |     limit | times |"
            print "|----------------|------------------|--------------:|----------:|------:|"
        }
        function least(work) {
            if (work ~ /^(fillseq|fillbatch)$/) return written
            if (work ~ /^(fillrandom|filluniquerandom|overwrite|deleterandom)$/) return written + huge
            if (work == "fillsync") return limit["fdatasync_room"]
            if (work == "fill100K") return 1e5 * 1e3 / limit["write_seq"]
            if (work == "readrandom") return 2 * huge
            if (work ~ /^(readhot|readmissing)$/) return huge
            if (work == "readsmallcache") return limit["pread_4k"] + limit["xxh3_4k"] + limit["lz4_unpack_4k"]
            if (work ~ /^(readseq|readreverse)$/) return entry * copy
            if (work == "seekrandom") return 2 * huge + 11 * entry * copy
            if (work == "compact") return entry * num / 4096 * (limit["lz4_unpack_4k"] + limit["lz4_pack_4k"] + 2 * limit["xxh3_4k"])
            return 0
        }
        /"key_size"/ { entry = number("key_size") + number("value_size") }
        # Of one thread; by default the newest stages sync each write.
        /"sync": "(default|always)"/ { written = limit["fdatasync_room"] }
        /"settings"/ { num = number("num") }
        /"workload": "/ {
            work = text("workload")
            rate = number("ops_per_s_median")
            if (!rate) rate = number("ops_per_s")
            bound = least(work)
            if (!rate || !bound || number("threads") > 1) next
            engine = text("engine")
            if (number("stage")) engine = engine " " number("stage")
            printf "| %-14s | %-16s | %13.0f | %9.0f | %5.1f |\n", engine, work, 1e9 / rate, bound, 1e9 / rate / bound
            rows++
        }
        END { if (!rows) exit 1 }' "$RESULTS"
}

limits_table
[ -f "$RESULTS" ] || { printf '\nThere is no %s: run make bench for how far the workloads are from them\n' "$RESULTS"; exit 0; }
distances || { echo "limits: $RESULTS has no workload with a limit" >&2; exit 1; }
