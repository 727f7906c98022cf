#!/bin/bash
# Strata beside LevelDB, or RocksDB: the same work, the same sizes and options, in turns (A B C A B C), each
# time in a process of its own (bench/peers/peer.c). Prints the settings, and two tables of medians
# with least and most and of ratios: by the clock on the wall, and by the processor's time of the
# whole process, its threads included, which other work on the machine disturbs less.
#
#   bench/peers.sh [--help]
#
#   N=1000000     keys of 16 bytes, each once; values of 100
#   GETS=N/2      gets of each kind; seeks are a quarter
#   RUNS=3        turns
#   ENGINES=      which, the first is what the others are compared with (default "leveldb 4 5":
#                 LevelDB and these stages; stage 4 fills only, as its reads are not cached;
#                 rocksdb, which has tables of its own, as it depends on how it was built)
#   CHECK=        not empty: LevelDB checks the blocks that it reads, as Strata always does
#   B=build       where strata-peer was built
#
# The databases are made in $TMPDIR, about 300 MB for a million keys, and removed. Goals that are
# not reached are printed as such. Exit status: 0 measured, 1 something failed, 2 usage, 7 an engine
# is not in this build.
set -u -o pipefail
export LC_ALL=C

usage() { echo "peers: $1" >&2; exit 2; }
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
PEER=$B/bench/strata-peer
N=${N:-1000000} RUNS=${RUNS:-3} ENGINES=${ENGINES:-leveldb 4 5}
for number in "$N" "$RUNS" "${GETS:-1}"; do
    case $number in '' | 0* | *[!0-9]* | ??????????*) usage "\"$number\" is not a whole number from 1 to 999999999" ;; esac
done
GETS=${GETS:-$((N / 2))}
if [ "$N" -lt 100 ] || [ "$GETS" -lt 100 ]; then usage "N and GETS are at least 100"; fi
[ -x "$PEER" ] || { echo "peers: there is no $PEER: run \"make bench-build\"" >&2; exit 1; }

. bench/scratch.bash
scratch peers

# ---- Measuring ---------------------------------------------------------------------------------

about() {
    local engine
    for engine in $ENGINES; do
        "$PEER" ${CHECK:+--check_reads} --about "$engine" >>"$T/about" || exit $?
    done
}

# All engines in turns, RUNS times: $T/ENGINE.RUN has a line a work.
measure() {
    local run engine fills
    for ((run = 1; run <= RUNS; run++)); do
        for engine in $ENGINES; do
            fills=
            [ "$engine" = 4 ] && fills=--fills
            mkdir "$T/db"
            "$PEER" --num="$N" --gets="$GETS" ${CHECK:+--check_reads} $fills \
                --label="run $run of $RUNS: $engine" "$engine" "$T/db" >"$T/$engine.$run" &
            running=$!
            wait $running || { running=; echo "peers: $engine failed" >&2; exit 1; }
            running=
            rm -rf "$T/db"
        done
    done
}

# ---- Telling -----------------------------------------------------------------------------------

machine() {
    sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1 | tr '\n' ','
    printf ' %s cores; kernel %s; files on %s\n' "$(nproc)" "$(uname -r)" "$(stat -f -c %T "$T")"
    printf '%s keys of 16 bytes, values of 100, half compressible; one thread; memtable 64 MiB, block\n' "$N"
    printf 'cache 256 MiB (get8, get8mapped: 8 MiB), blocks of 4 KiB, bloom 10 bits a key; no sync a write;\n%s. get8 reads tables by calls,\nget8mapped from mapped files (Strata: an option), as LevelDB does: its figure stands beside both\n' \
        "$([ "$RUNS" -gt 1 ] && echo "medians of $RUNS runs (least-most)" || echo "one run")"
    sed 's/^/  /' "$T/about"
}

# WHICH: wall or cpu, of these engines. A row a work; thousands of operations a second, but for what
# is done once.
table() { # WHICH ENGINE...
    local which=$1 engine
    shift
    for engine; do
        awk -v engine="$engine" '{ print engine, $0 }' "$T/$engine".[0-9]*
    done | awk -v column="$([ "$which" = wall ] && echo 4 || echo 5)" -v engines="$*" '
        function text(x) { return sprintf(x >= 1000 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x) }
        function title(e) { return e == "leveldb" ? "LevelDB" : e == "rocksdb" ? "RocksDB" : "stage " e }
        function median(e, w,    n, i, j, t, v) {
            n = count[e, w]
            for (i = 1; i <= n; i++) v[i] = value[e, w, i]
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
            range = n > 1 ? " (" text(v[1]) "-" text(v[n]) ")" : ""
            return v[int((n + 1) / 2)]
        }
        function cell(s, width) { printf " %-" width "s |", s }
        # A goal is about the ratio to the first engine; that of open about the time itself.
        function judge(e, w, ratio, m) {
            if (!((e, w) in goal) || peer[1] != "leveldb") return ""
            if (w == "open") return (m <= goal[e, w] ? "met" : "NOT MET") ": stage " e " <= " goal[e, w] " ms"
            if (w == "files") return (ratio <= goal[e, w] ? "met" : "NOT MET") ": stage " e " <= " goal[e, w]
            return (ratio >= goal[e, w] ? "met" : "NOT MET") ": stage " e " >= " goal[e, w]
        }
        BEGIN {
            goal[4, "fillseq"] = goal[4, "fillrandom"] = 1.5
            goal[5, "get"] = goal[5, "missing"] = 4; goal[5, "forward"] = 3; goal[5, "reverse"] = 5
            goal[5, "seek10"] = goal[5, "get8mapped"] = 2.5; goal[5, "files"] = 1; goal[5, "open"] = 10
            unit["files"] = "MB"; unit["open"] = unit["close"] = unit["compact"] = "ms"
            works = split("fillseq fillrandom get missing forward reverse seek10 get8 get8mapped compact close open files", work, " ")
            peers = split(engines, peer, " ")
        }
        {
            once = $2 in unit
            if ($2 == "files" && column == 5) next # no time at all
            value[$1, $2, ++count[$1, $2]] = $2 == "files" ? $3 / 1e6 : once ? $column * 1e3 : $3 / ($column + 1e-9) / 1e3
        }
        END {
            printf "|"; cell("", 10); cell("", 6); cell(title(peer[1]), 19)
            for (p = 2; p <= peers; p++) { cell(title(peer[p]), 19); cell("ratio", 5) }
            print " goal |"
            printf "|------------|--------|--------------------:|"
            for (p = 2; p <= peers; p++) printf "--------------------:|------:|"
            print "------|"
            for (i = 1; i <= works; i++) {
                w = work[i]
                b = w == "get8" && peer[1] == "leveldb" ? "get8mapped" : w
                if (!count[peer[1], b]) continue
                base = median(peer[1], b)
                printf "|"; cell(w, 10); cell(w in unit ? unit[w] : "kops/s", 6); cell(text(base) range, 19)
                verdict = ""
                for (p = 2; p <= peers; p++) {
                    e = peer[p]
                    if (!count[e, w]) { cell("", 19); cell("", 5); continue }
                    m = median(e, w)
                    cell(text(m) range, 19)
                    ratio = base > 0 ? m / base : 0
                    cell(text(ratio), 5)
                    verdict = verdict judge(e, w, ratio, m)
                }
                print " " verdict " |"
            }
        }'
}

both_tables() { # ENGINE...
    printf '\nBy the clock on the wall\n\n'
    table wall "$@"
    printf '\nBy the time of the processor\n\n'
    table cpu "$@"
}

about
measure
machine
first=${ENGINES%% *} others=
for engine in $ENGINES; do
    [ "$engine" = rocksdb ] && [ "$first" != rocksdb ] || others="$others $engine"
done
# shellcheck disable=SC2086
both_tables $others
case " ${ENGINES#* } " in
*' rocksdb '*)
    [ "$first" = rocksdb ] || { printf '\nRocksDB; how this build of it was made stands above\n' && both_tables "$first" rocksdb; }
    ;;
esac
