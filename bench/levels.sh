#!/bin/bash
# What levels cost, and what they are worth: Strata beside LevelDB and RocksDB under a random load:
# amplifications, latencies of puts, reads of the tree as the load has left it,
# compaction, memory. The same work, sizes and options, in turns (A B C A B C), each in a process of
# its own (bench/peers/levels.c). Prints the settings, and tables of medians, with least and most, and
# of ratios to the first engine; RocksDB has a table of its own.
#
#   bench/levels.sh [--help]
#
#   N=1000000     keys of 16 bytes, each once, in random order; values of 100
#   GETS=N/2      gets of each kind; seeks are a quarter (at least 100)
#   TURNS=3       how often everything is done
#   ENGINES=      which, the first is what the others are compared with (default "leveldb rocksdb 6",
#                 of these what is in this build)
#   CACHE=256     MiB of block cache
#   CHECK=        not empty: LevelDB checks the blocks that it reads, as Strata and RocksDB always do
#   JSON=         a file for the results too, one figure of one engine a line
#   B=build       where strata-levels was built (or LEVELS=, another program that tells the same)
#
# Example
#   make bench-levels N=100000 TURNS=1
#
# load is puts and what was owed after them; write amp and space amp have no unit: bytes written per
# byte put (pages made dirty in files, as the kernel counts them; and, below, bytes of calls of write,
# which do not have what is stored into mapped files), and bytes on the device, when nothing is owed,
# per byte after all was compacted and closed. The databases are made in $TMPDIR, which must not be
# memory, and removed: about 150 MB for a million keys. Goals that are not reached are printed as
# such. Exit status: 0 measured, 1 something failed, 2 usage, 7 an engine that was asked for is not in
# this build.
set -u -o pipefail
export LC_ALL=C

usage() { echo "levels: $1" >&2; exit 2; }
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
LEVELS=${LEVELS:-$B/bench/strata-levels}
N=${N:-1000000} TURNS=${TURNS:-3} CACHE=${CACHE:-256} JSON=${JSON:-}
for number in "$N" "$TURNS" "$CACHE" "${GETS:-1}"; do
    case $number in '' | 0* | *[!0-9]* | ??????????*) usage "\"$number\" is not a whole number from 1 to 999999999" ;; esac
done
[ "$N" -ge 100 ] || usage "N is at least 100"
GETS=${GETS:-$((N / 2 < 100 ? 100 : N / 2))}
[ "$GETS" -ge 100 ] || usage "GETS is at least 100"
[ -x "$LEVELS" ] || { echo "levels: there is no $LEVELS: run \"make bench-build\"" >&2; exit 1; }

. bench/scratch.bash
scratch levels

# ---- Measuring ---------------------------------------------------------------------------------

# An engine that nobody named may be missing.
about() {
    local engine asked=${ENGINES:-} there=
    for engine in ${asked:-leveldb rocksdb 6}; do
        if "$LEVELS" ${CHECK:+--check_reads} --about "$engine" >>"$T/about" 2>"$T/err"; then
            there="$there $engine"
        else
            local rc=$?
            cat "$T/err" >&2
            [ -z "$asked" ] && [ $rc -eq 7 ] || exit $rc
            echo "levels: $engine is left out" >&2
        fi
    done
    ENGINES=${there# }
}

# All engines in turns: $T/ENGINE.TURN has a line a figure.
measure() {
    local turn engine
    for ((turn = 1; turn <= TURNS; turn++)); do
        for engine in $ENGINES; do
            mkdir "$T/db"
            "$LEVELS" --num="$N" --gets="$GETS" --cache=$((CACHE << 20)) ${CHECK:+--check_reads} \
                --label="turn $turn of $TURNS: $engine" "$engine" "$T/db" >"$T/$engine.$turn" &
            running=$!
            wait $running || { running=; echo "levels: $engine failed" >&2; exit 1; }
            running=
            rm -rf "$T/db"
        done
    done
}

# ---- Telling -----------------------------------------------------------------------------------

cpu() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1; }

machine() {
    printf '%s, %s cores; kernel %s; files on %s\n' "$(cpu)" "$(nproc)" "$(uname -r)" "$(stat -f -c %T "$T")"
    printf '%s keys of 16 bytes in random order, values of 100, half compressible; one thread; memtable\n' "$N"
    printf '64 MiB, block cache %s MiB, blocks of 4 KiB, bloom 10 bits a key; no sync a write; %s\n' \
        "$CACHE" "$([ "$TURNS" -gt 1 ] && echo "medians of $TURNS turns (least-most)" || echo "one turn")"
    sed 's/^/  /' "$T/about"
}

# What is made of the raw figures: FORM is table or json; of these engines.
tell() { # FORM ENGINE...
    local form=$1 engine
    shift
    for engine; do
        for file in "$T/$engine".[0-9]*; do
            awk -v engine="$engine" -v turn="${file##*.}" '{ print engine, turn, $0 }' "$file"
        done
    done | awk -v form="$form" -v engines="$*" -v n="$N" '
        function text(x) { return sprintf(x >= 1000 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x) }
        function title(e) { return e == "leveldb" ? "LevelDB" : e == "rocksdb" ? "RocksDB" : "stage " e }
        function per(a, b) { return b > 0 ? a / b : 0 }
        function has(e, t, f) { return (e, t, f) in number }
        function rate(e, t, f) { return has(e, t, f) ? per(number[e, t, f], wall[e, t, f]) / 1e3 : "" }
        function ratio_of(e, t, a, b) { return has(e, t, a) && number[e, t, a] > 0 ? per(number[e, t, a], number[e, t, b]) : "" }
        function mega(e, t, f) { return has(e, t, f) ? number[e, t, f] / 1e6 : "" }
        # A figure of one turn, "" if it was not measured.
        function figure(e, t, f) {
            if (f == "load") return per(number[e, t, "put"], wall[e, t, "put"] + wall[e, t, "owed"]) / 1e3
            if (f == "load cpu") return cpu[e, t, "put"] + cpu[e, t, "owed"]
            if (f == "owed" || f == "compact") return wall[e, t, f]
            if (f ~ /^put /) return number[e, t, raw[f]] / 1e3
            if (f == "write amp") return ratio_of(e, t, "written", "put_bytes")
            if (f == "by calls") return ratio_of(e, t, "called", "put_bytes")
            if (f == "space amp") return ratio_of(e, t, "disk", "disk_compacted")
            if (f == "closed") return ratio_of(e, t, "disk_closed", "disk_compacted")
            if (f in raw) return mega(e, t, raw[f])
            return rate(e, t, f)
        }
        # Least, median and most of all turns; how many there are.
        function sum_up(e, f,    t, i, j, x, v, k) {
            k = 0
            for (t = 1; t <= turns; t++) {
                x = figure(e, t, f)
                if (x == "") continue
                for (i = ++k; i > 1 && v[i - 1] > x; i--) v[i] = v[i - 1]
                v[i] = x
            }
            least = v[1]; middle = v[int((k + 1) / 2)]; most = v[k]
            return k
        }
        function cell(s, width) { printf " %-" width "s |", s }
        function verdict(e, f, ratio, value,    parts, x, met) {
            if (!(f in goal) || e !~ /^[0-9]+$/ || e < 6 || engine[1] != "leveldb") return ""
            split(goal[f], parts, " ")
            x = parts[1] == "ratio" ? ratio : value
            met = parts[2] == ">=" ? x >= parts[3] : x <= parts[3]
            return (met ? "met" : "NOT MET") ": " (parts[1] == "ratio" ? "" : "itself ") parts[2] " " parts[3]
        }
        function row(f,    i, e, base, range, says, ratio) {
            if (!sum_up(engine[1], of[f] ? of[f] : f)) return
            base = middle
            says = ""
            printf "|"; cell(f, 13); cell(unit[f], 6)
            for (i = 1; i <= count; i++) {
                e = engine[i]
                if (!sum_up(e, i == 1 && of[f] ? of[f] : f)) { cell("", 22); if (i > 1) cell("", 5); continue }
                cell(text(middle) (turns > 1 ? " (" text(least) "-" text(most) ")" : ""), 22)
                if (i == 1) continue
                ratio = per(middle, base)
                cell(base > 0 ? text(ratio) : "", 5)
                says = says verdict(e, f, ratio, middle)
            }
            print " " says " |"
        }
        function table(    i) {
            printf "|"; cell("", 13); cell("", 6); cell(title(engine[1]), 22)
            for (i = 2; i <= count; i++) { cell(title(engine[i]), 22); cell("ratio", 5) }
            print " goal |"
            printf "|---------------|--------|-----------------------:|"
            for (i = 2; i <= count; i++) printf "-----------------------:|------:|"
            print "------|"
            for (i = 1; i <= figures; i++) row(name[i])
        }
        function json(    i, j, f, base, comma) {
            for (i = 1; i <= figures; i++) {
                f = name[i]
                base = sum_up(engine[1], of[f] ? of[f] : f) ? middle : 0
                for (j = 1; j <= count; j++) {
                    if (!sum_up(engine[j], f)) continue
                    printf "%s    {\"engine\": \"%s\", \"figure\": \"%s\", \"unit\": \"%s\", \"n\": %d, \"turns\": %d, \"median\": %.6g, \"min\": %.6g, \"max\": %.6g, ", comma, engine[j], f, unit[f], n, turns, middle, least, most
                    printf "\"ratio_to_%s\": ", engine[1]
                    if (base > 0) printf "%.4g}", middle / base
                    else printf "null}"
                    comma = ",\n"
                }
            }
            print ""
        }
        function add(f, u, from, g) { name[++figures] = f; unit[f] = u; if (from != "") raw[f] = from; if (g != "") goal[f] = g }
        BEGIN {
            count = split(engines, engine, " ")
            add("load", "kops/s", "", "ratio >= 1.5"); add("put", "kops/s"); add("owed", "s"); add("load cpu", "s")
            add("put p50", "us", "put_p50_ns"); add("put p99", "us", "put_p99_ns")
            add("put p99.9", "us", "put_p999_ns"); add("put max", "us", "put_max_ns")
            add("write amp", "", "", "ratio <= 1"); add("by calls", "")
            add("disk", "MB", "disk"); add("compacted", "MB", "disk_compacted")
            add("space amp", "", "", "value <= 1.15"); add("closed", "")
            add("get", "kops/s", "", "ratio >= 3"); add("missing", "kops/s", "", "ratio >= 3")
            add("forward", "kops/s", "", "ratio >= 3"); add("reverse", "kops/s", "", "ratio >= 6")
            add("seek10", "kops/s", "", "ratio >= 2")
            add("get_mapped", "kops/s"); add("seek10_mapped", "kops/s")
            of["get_mapped"] = "get"; of["seek10_mapped"] = "seek10"
            add("compact", "s", "", "ratio <= 0.333")
            add("memory load", "MB", "memory_load_most"); add("memory read", "MB", "memory_read")
            add("mapped of it", "MB", "memory_read_mapped")
        }
        { number[$1, $2, $3] = $4; wall[$1, $2, $3] = $5; cpu[$1, $2, $3] = $6; if ($2 > turns) turns = $2 }
        END { if (form == "json") json(); else table() }'
}

tables() {
    local first=${ENGINES%% *} engine others=
    for engine in $ENGINES; do
        [ "$engine" = rocksdb ] && [ "$first" != rocksdb ] || others="$others $engine"
    done
    # shellcheck disable=SC2086
    echo && tell table $others
    case " $ENGINES " in
    *' rocksdb '*) [ "$first" = rocksdb ] && return ;;
    *) return ;;
    esac
    printf '\nRocksDB, in the same turns. How this build of it was made stands above: where assertions are tested,\nand checksums are not fast, another build is faster.\n\n'
    tell table "$first" rocksdb
}

json_text() { sed 's/[\\"]/\\&/g' | tr '\n' ' ' | sed 's/ *$//'; }

json() {
    local line comma=
    printf '{\n  "machine": {"cpu": "%s", "cores": %s, "kernel": "%s", "files": "%s"},\n' \
        "$(cpu | json_text)" "$(nproc)" "$(uname -r | json_text)" "$(stat -f -c %T "$T")"
    printf '  "when": "%s",\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    printf '  "settings": {"num": %s, "gets": %s, "turns": %s, "key_size": 16, "value_size": 100, "memtable_mib": 64, "cache_mib": %s, "block_size": 4096, "bloom_bits": 10, "check_reads": %s},\n' \
        "$N" "$GETS" "$TURNS" "$CACHE" "$([ -n "${CHECK:-}" ] && echo true || echo false)"
    printf '  "engines": ['
    while read -r line; do
        printf '%s"%s"' "$comma" "$(json_text <<<"$line")"
        comma=', '
    done <"$T/about"
    printf '],\n  "runs": [\n'
    # shellcheck disable=SC2086
    tell json $ENGINES
    printf '  ]\n}\n'
}

about
measure
machine
tables
if [ -n "$JSON" ]; then
    json >"$T/json" && mkdir -p "$(dirname "$JSON")" && mv "$T/json" "$JSON" || exit 1
    printf '\nwritten: %s\n' "$JSON"
fi
