#!/bin/bash
# More data than memory: loads it, opens it again, reads and scans it, and holds the memory of each
# of these processes against the configured budget, the memtable's 64 MiB and, from stage 5 on, the
# block cache's 256 MiB, and 64 MiB beside it.
#
#   B=build STAGE= KEYS= bench/large.sh
#
#   STAGE=N   default: the newest that has sorted tables
#   KEYS=N    of 16 bytes, each once, in scattered order, with values of 100 (default 10000000:
#             1.5 GB of files, and as much again while they are merged)
#
# The database is made in $TMPDIR, and removed. Ends with 1 when something is not as it should be.
set -u -o pipefail
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
B=${B:-build} KEYS=${KEYS:-10000000}
S=$B/strata
STAGE=${STAGE:-$("$S" stages | awk '/^stage/ { n = $2 } END { print n }')}
case $KEYS$STAGE in *[!0-9]*) echo "large: KEYS and STAGE are numbers" >&2; exit 2 ;; esac
if [ "$STAGE" -lt 4 ]; then
    echo "large: stage $STAGE keeps all its keys in memory: it has no budget" >&2
    exit 2
fi
budget=64
[ "$STAGE" -lt 5 ] || budget=$((64 + 256))
most=$((budget + 64))

. bench/scratch.bash
scratch large
failed=0

# The numbers below KEYS, each once: i * a mod KEYS, where a and KEYS have no common divisor. Half of
# a value is its neighbours' too, so that files whose blocks are compressed stay larger than memory.
keys() {
    awk -v n="$KEYS" -v pieces=4093 '
        function gcd(a, b,    t) { while (b) { t = a % b; a = b; b = t } return a }
        BEGIN {
            a = int(n * 0.618) + 1
            while (gcd(a, n) != 1) a++
            letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
            srand(1)
            for (i = 0; i < pieces; i++)
                for (j = 0; j < 46; j++) piece[i] = piece[i] substr(letters, int(rand() * 64) + 1, 1)
            for (i = 0; i < n; i++) {
                key = (i * a) % n
                printf "%016d\t%08d%s%s\n", key, key, piece[key % pieces], piece[int(key / pieces) % pieces]
            }
        }'
}
# WHAT: what the process of $T/WHAT needed.
tell() {
    local mib seconds
    read -r mib seconds <"$T/$1"
    awk -v what="$1" -v mib="$mib" -v s="$seconds" -v most="$most" 'BEGIN {
        printf "  %-8s %8.1f s   at most %6.1f MiB resident   <= %d MiB   %s\n", what, s, mib, most, mib <= most ? "met" : "MISSED"
        exit mib > most }' || failed=1
}
wrong() { echo "  $*: not right"; failed=1; }

printf 'stage %s, %s keys of 16 bytes, values of 100; budget %s MiB, and 64 beside it\n' "$STAGE" "$KEYS" "$budget"
keys | "$B/bench/peak" "$T/load" "$S" load --batch 1000 --stage "$STAGE" "$T/db" - || exit 1
tell load
for name in 0 $((KEYS / 2)) $((KEYS - 1)); do
    "$B/bench/peak" "$T/open" "$S" get "$T/db" "$(printf %016d "$name")" >"$T/value" || wrong "get $name"
    [ "$(head -c 8 "$T/value")" = "$(printf %08d "$name")" ] || wrong "value of $name"
done
tell open
"$B/bench/peak" "$T/scan" "$S" scan "$T/db" | awk '
    $1 != sprintf("%016d", n) || substr($2, 1, 8) != sprintf("%08d", n) { bad++ }
    { n++ }
    END { print n + 0, bad + 0 }' >"$T/seen"
tell scan
[ "$(cat "$T/seen")" = "$KEYS 0" ] || wrong "scan: entries, and wrong ones: $(cat "$T/seen")"
"$S" levels "$T/db" | sed -n '/^level/p'
du -sm "$T/db" | awk '{ print "files: " $1 " MiB" }'
exit $failed
