#!/bin/bash
# Engines side by side: each does every workload, tells all figures, and gives back what went in; one
# that does not is caught. What turns come to, and what is drawn of it.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-bench" ] ||
    { echo "not ok - there is no $built/bench/strata-bench: make bench-build"; exit 1; }
ln -s "$built/bench/strata-bench" "$work/bin/strata-bench"
mkdir "$work/tmp"
export TMPDIR=$work/tmp
bench() { strata-bench --num=400 --seconds=20 "$@"; }
field() { # FILE WORKLOAD NAME
    awk -v work="\"workload\": \"$2\"" -v name="\"$3\": " '
        index($0, work) && match($0, name "[^,}]*") {
            print substr($0, RSTART + length(name), RLENGTH - length(name)) }' "$1"
}
run strata-bench --help
peers=$(sed -n '/^Engines/,/^$/p' <<<"$out" | awk '$1 ~ /^(leveldb|rocksdb|lmdb|sqlite|tkrzw)$/ && !/not in this build/ { print $1 }')
is help_lists_every_peer "$(sed -n '/^Engines/,/^$/p' <<<"$out" | grep -cE '^  (leveldb|rocksdb|lmdb|sqlite|tkrzw) ')" 5
all=fillseq,close,fillbatch,fillsync,fillsync8,fill100K,fillrandom,overwrite,verify,filluniquerandom,settle,readrandom,readmissing,readhot,readsmallcache,readsmallmapped,readmapped,seekrandom,seekmapped,readseq,readreverse,readwhilewriting,overwritetenth,verify,deleterandom,readseq,compact,verify,open,reopen,openafterkill,putafterkill,verify,ycsbload,ycsba,ycsbb,ycsbc,ycsbd,ycsbe,ycsbf,verify

# ---- Every engine does every workload, and is right at the end ----
for engine in $peers 3 4 5 6; do
    run bench --engines="$engine,1" --benchmarks=$all --json="$engine.json"
    is "${engine}_does_all_workloads" "$rc $err" "0 "
done
# What they cannot do is left out, and they alone, but told when they are asked.
for engine in $peers 3 4 5 6; do
    missing=
    case $engine in
    tkrzw) missing="fillbatch readreverse" ;;
    sqlite | rocksdb | 3 | 4) missing="readsmallmapped readmapped seekmapped" ;;
    esac
    has=$(awk -v e="$engine" -F'"' '/"workload"/ && ($4 == e || ($4 == "strata" && index($0, "\"stage\": " e ","))) ' "$engine.json" | grep -o '"workload": "[^"]*"' | cut -d'"' -f4)
    lacks=$(tr ',' '\n' <<<"$all" | awk '!seen[$0]++' | while read -r w; do grep -qx "$w" <<<"$has" || echo "$w"; done | tr '\n' ' ')
    is "${engine}_leaves_out_what_it_cannot" "${lacks% }" "$missing"
    is "${engine}_finds_every_key" "$(grep "\"workload\": \"read\(random\|hot\|smallcache\|whilewriting\)\"" "$engine.json" |
        awk '{ match($0, /"n": [0-9]+/); n = substr($0, RSTART + 5, RLENGTH - 5); match($0, /"found": [0-9]+/); f = substr($0, RSTART + 9, RLENGTH - 9); if (n != f) print }')" ""
done
fails what_it_cannot_do_is_told_when_asked_alone 7 'fillbatch: not supported: 01_append_log has no atomic batch' \
    bench --engines=1 --benchmarks=fillbatch

# ---- Workloads do what they say ----
counted() { field one.json "$1" "$2"; }
bench --engines=2 --benchmarks=fillseq,overwrite,readhot,readmissing,ycsbload,ycsba,ycsbb,ycsbc,ycsbd,ycsbf --num=4000 --json=one.json >/dev/null
is overwrite_puts_as_often "$(counted overwrite n) $(counted overwrite write_calls_per_op)" "4000 1"
between() { awk "BEGIN { x = $1; print (x >= $2 && x <= $3) }"; }
for share in ycsba:0.46:0.54 ycsbb:0.035:0.065 ycsbc:0:0 ycsbd:0.05:0.05 ycsbf:0.46:0.54; do
    IFS=: read -r name least most <<<"$share"
    is "${name}_puts_its_share" "$(between "$(counted "$name" write_calls_per_op)" "$least" "$most")" 1
done
is ycsbload_is_of_a_tenth "$(counted ycsbload n) $(between "$(counted ycsbload bytes_written_per_byte_put)" 1 1.03)" "400 1"
bench --engines=9 --sync=1 --benchmarks=fillseq,fillsync --num=2000 --json=one.json >/dev/null
is sync_is_synced "$(between "$(counted fillseq fsyncs_per_op)" 1 1.1) $(counted fillsync n) $(between "$(counted fillsync fsyncs_per_op)" 1 3)" "1 2 1"
bench --engines=9 --benchmarks=fillseq --num=2000 --json=one.json >/dev/null
is side_by_side_is_not_synced "$(between "$(counted fillseq fsyncs_per_op)" 0 0.01)" 1
bench --engines=9 --db=large --benchmarks=fill100K --num=3000 >/dev/null
is fill100k_values "$(strata --hex dump large/09_fast_paths | awk -F'\t' '{ print length($2) / 2 }' | sort -u | tr '\n' ' ')" "100000 "
bench --engines=9 --db=batch --benchmarks=fillbatch --batch_size=7 --num=50 >/dev/null
is fillbatch_puts_all "$(strata dump batch/09_fast_paths | wc -l)" 50
run bench --engines=9 --threads=3 --num=3000 --benchmarks=filluniquerandom,verify,overwrite,readrandom,seekrandom,ycsba,verify,deleterandom,verify
is threads_do_the_same_work "$rc $err" "0 "
for engine in $peers; do
    run bench --engines="$engine" --threads=3 --num=1000 --benchmarks=filluniquerandom,verify,overwrite,readrandom,deleterandom,verify
    is "threads_${engine}" "$rc $err" "0 "
done

# ---- Threads that write keys that may not be there ----
# After fillrandom, overwrite and deleterandom many keys are missing. The writer beside overwrites only
# those that are there, so what the gets find is known, and verify finds the same entries after it.
wrote_beside() { between "$(field beside.json readwhilewriting beside_ops_per_s) + 0" 1 1e9; }
for fill in fillrandom fillrandom,overwrite filluniquerandom,deleterandom fillsync; do
    run bench --engines=9 --num=4000 --reads=300000 --write_buffer_size=65536 --benchmarks=$fill,readwhilewriting,verify --json=beside.json
    is "writer_beside_after_${fill//,/_}_adds_no_key" "$rc $err $(wrote_beside)" "0  1"
done
run bench --engines=9 --num=1 --reads=1000 --benchmarks=filluniquerandom,deleterandom,readwhilewriting,verify
is writer_beside_without_a_key_puts_none "$rc $err" "0 "
bench --engines=9 --num=1000 --db=beside --benchmarks=fillrandom >/dev/null
run bench --engines=9 --num=1000 --reads=300000 --db=beside --benchmarks=readwhilewriting --json=beside.json
is writer_beside_overwrites_what_another_run_made "$rc $err $(wrote_beside)" "0  1"
# Whether a get of one thread comes before another's put of a new key, nobody knows.
for mix in ycsba ycsbb ycsbf; do
    run bench --engines=9 --threads=3 --num=10000 --benchmarks=fillrandom,$mix,verify
    is "threads_of_${mix}_may_put_new_keys" "$rc $err" "0 "
done

# ---- Arguments ----
fails engine_unknown_is_2 2 '"berkeley" is not an engine, nor the number of a stage' bench --engines=6,berkeley
fails engine_stage_unknown_is_2 2 '"99" is not' bench --engines=99
fails engine_twice_is_2 2 'named twice' bench --engines=newest,newest
fails engines_none_is_2 2 'none are named' bench --engines=
fails turns_zero_is_2 2 'from 1 to 99' bench --turns=0
fails turns_in_a_kept_directory_is_2 2 'there can be only one' bench --turns=2 --db=kept
fails key_size_without_room_is_2 2 'no room for new keys' bench --key_size=3 --benchmarks=ycsbload,ycsbd
fails cache_size_none_is_2 2 '"0" is not' bench --cache_size=0
fails write_buffer_too_small_is_2 2 'from 65536' bench --write_buffer_size=1
fails batch_size_zero_is_2 2 'batch_size' bench --batch_size=0
fails verify_of_what_another_run_made_is_told 4 'needs a fill of generated data before it' bench --engines=9 --db=batch --benchmarks=verify
printf 'a\t1\nb\t2\n' >two.tsv
fails new_keys_of_a_file_are_told 7 'no new keys' strata-bench --engines=9 --tsv=two.tsv --benchmarks=fillseq,ycsbd
for engine in leveldb rocksdb lmdb sqlite tkrzw; do
    grep -qx $engine <<<"$peers" && continue
    fails "${engine}_that_is_not_built_is_7" 7 'build again' bench --engines=$engine
done
is failures_leave_nothing_behind "$(ls "$TMPDIR")" ""

# ---- JSON ----
if command -v python3 >/dev/null; then
    bench --engines=stages --turns=3 --benchmarks=filluniquerandom,settle,readrandom,readseq,open --json=turns.json >/dev/null
    cat >look.py <<'END'
import json, sys
for name in sys.argv[1:]:
    d = json.load(open(name))
    assert d["engines"] and d["machine"]["kernel"] and d["machine"]["files"] and d["machine"]["strata"] and d["settings"]["cache_size"] == 268435456, name
    fields = "engine workload n turns ops_per_s_median min max ratio_to_leveldb p50_us p99_us p999_us max_us bytes_written bytes_read rss_mb cpu_us_per_op bytes_read_by_calls write_amp read_amp space_amp disk_per_live_byte disk_bytes spread too_wide times_limit".split()
    level = {r["workload"]: r["ops_per_s_median"] for r in d["runs"] if r["engine"] == "leveldb"}
    for r in d["runs"]:
        assert all(f in r for f in fields), (name, r)
        assert r["min"] <= r["ops_per_s_median"] <= r["max"], r
        assert r["turns"] == d["settings"]["turns"], r
        assert r["disk_bytes"] > 0 and r["bytes_written"] >= 0 and r["rss_mb"] >= 0, r
        assert (r["p50_us"] is None) == (r["workload"] in ("readseq", "readreverse", "settle", "compact", "verify")), r
        if r["p50_us"] is not None: assert r["p50_us"] <= r["p99_us"] <= r["p999_us"] <= r["max_us"], r
        if r["workload"] == "fillseq":
            assert abs(r["write_amp"] * r["n"] * 116 / (r["bytes_written"] + 1e-9) - 1) < 1e-3 or r["bytes_written"] == 0, r
            assert abs(r["disk_per_live_byte"] * r["n"] * 116 / r["disk_bytes"] - 1) < 1e-3, r
        if level.get(r["workload"]) and len(level) == len({x["workload"] for x in d["runs"] if x["engine"] == "leveldb"}) and sum(x["workload"] == r["workload"] and x["engine"] == r["engine"] for x in d["runs"]) == 1:
            assert abs(r["ratio_to_leveldb"] - r["ops_per_s_median"] / level[r["workload"]]) < 1e-3 * r["ratio_to_leveldb"] + 1e-3, r
print(len(json.load(open(sys.argv[-1]))["runs"]))
END
    code json_has_every_field 0 python3 look.py $(for engine in $peers 3 6; do echo "$engine.json"; done) turns.json
    is json_has_a_run_an_engine_and_workload "$out" $((5 * $(strata stages | grep -c '^stage ')))
else
    skip json_has_every_field "no python3"
fi

# ---- One that is wrong is caught ----
# Calls of LevelDB are taken in between; each kind of fault by its name in $FAULT.
cat >fault.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <leveldb/c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int is(const char *what) { const char *fault = getenv("FAULT"); return fault && strcmp(fault, what) == 0; }
static int slow;
leveldb_t *leveldb_open(const leveldb_options_t *options, const char *name, char **error)
{
    leveldb_t *(*open_it)(const leveldb_options_t *, const char *, char **) = dlsym(RTLD_NEXT, "leveldb_open");
    if (is("slow")) { slow = access("slow", F_OK) == 0; if (!slow) close(creat("slow", 0666)); }
    return open_it(options, name, error);
}
char *leveldb_get(leveldb_t *db, const leveldb_readoptions_t *o, const char *key, size_t size, size_t *got, char **error)
{
    char *(*get)(leveldb_t *, const leveldb_readoptions_t *, const char *, size_t, size_t *, char **) = dlsym(RTLD_NEXT, "leveldb_get");
    char *value = get(db, o, key, size, got, error);
    if (is("logged")) {
        int log = open("keys", O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (write(log, key, 16) < 0 || write(log, "\n", 1) < 0) abort();
        close(log);
    }
    if (value && key[15] == '7') {
        if (is("wrong")) value[0] ^= 1;
        if (is("short")) --*got;
        if (is("lost")) return free(value), (char *)0;
    }
    if (!value && is("invented")) { *got = 1; return strdup("x"); }
    return value;
}
void leveldb_put(leveldb_t *db, const leveldb_writeoptions_t *o, const char *key, size_t size, const char *value, size_t bytes, char **error)
{
    void (*put)(leveldb_t *, const leveldb_writeoptions_t *, const char *, size_t, const char *, size_t, char **) = dlsym(RTLD_NEXT, "leveldb_put");
    if (slow) usleep(500);
    if (is("forgotten") && strncmp(key, "0000000000000403", 16) == 0) return; /* the first were before a kill */
    put(db, o, key, size, value, bytes, error);
}
void leveldb_iter_next(leveldb_iterator_t *iter)
{
    void (*next)(leveldb_iterator_t *) = dlsym(RTLD_NEXT, "leveldb_iter_next");
    size_t size;
    next(iter);
    if (is("skipped") && leveldb_iter_valid(iter) && leveldb_iter_key(iter, &size)[15] == '7') next(iter);
    if (is("ended") && leveldb_iter_valid(iter) && memcmp(leveldb_iter_key(iter, &size) + 13, "390", 3) >= 0) leveldb_iter_seek(iter, "\377", 1);
}
END
if grep -qx leveldb <<<"$peers" && ! ldd "$built/bench/strata-bench" | grep -qE 'lib(asan|tsan|ubsan)' &&
    ${CC:-cc} -shared -fPIC -o fault.so fault.c -ldl 2>cc.err; then
    faulty() { env FAULT="$1" LD_PRELOAD="$PWD/fault.so" strata-bench --num=400 --seconds=20 --engines=leveldb "${@:2}"; }
    code without_a_fault_it_is_right 0 faulty none --benchmarks=$all
    # What is asked for: how often the most popular key; how many different ones.
    asked() { sort keys | uniq -c | sort -rn | awk '{ all += $1 } NR == 1 { most = $1 } END { print most / all, NR }'; rm keys; }
    faulty logged --num=4000 --benchmarks=ycsbload,ycsbc >/dev/null
    read -r most different <<<"$(asked)"
    is ycsbc_has_popular_keys "$(between "$most" 0.1 0.25) $(between "$different" 150 399)" "1 1"
    faulty logged --num=4000 --benchmarks=ycsbload,ycsbd >/dev/null
    is ycsbd_asks_for_the_newest "$(between "$(awk '$1 >= 4000 { new++ } END { print new / NR }' keys)" 0.5 0.95)" 1
    rm keys
    faulty logged --num=1000 --benchmarks=fillseq,readhot >/dev/null
    is readhot_asks_for_a_hundredth "$(asked | cut -d' ' -f2)" 10
    faulty logged --num=1000 --benchmarks=fillseq,readrandom >/dev/null
    read -r most different <<<"$(asked)"
    is readrandom_asks_for_all_alike "$(between "$most" 0.001 0.01) $(between "$different" 550 700)" "1 1"
    fails wrong_value_is_caught 7 'readrandom: leveldb: what came out is not what went in' faulty wrong --benchmarks=fillseq,readrandom
    fails wrong_size_is_caught 7 'not what went in' faulty short --benchmarks=fillseq,readrandom
    fails lost_key_is_caught 7 'not what went in' faulty lost --benchmarks=filluniquerandom,readrandom
    fails lost_key_is_caught_in_a_mix 7 'ycsbc: leveldb' faulty lost --num=4000 --benchmarks=ycsbload,ycsbc
    fails lost_key_is_caught_beside_a_writer 7 'readwhilewriting: leveldb' faulty lost --benchmarks=fillrandom,readwhilewriting
    fails lost_key_is_caught_in_a_mix_by_threads 7 'ycsba: leveldb' faulty lost --threads=3 --benchmarks=filluniquerandom,ycsba
    fails invented_key_is_caught 7 'not what went in' faulty invented --benchmarks=fillseq,readmissing
    fails skipped_entry_is_caught_by_a_scan 7 'not what went in' faulty skipped --benchmarks=fillseq,readseq
    fails skipped_entry_is_caught_by_seeks 7 'not what went in' faulty skipped --benchmarks=fillseq,seekrandom
    fails skipped_entry_is_caught_by_verify 7 'entries are not as they were put' faulty skipped --benchmarks=fillseq,verify
    fails early_end_is_caught 7 'not what went in' faulty ended --benchmarks=fillseq,readseq
    fails put_that_a_kill_lost_is_caught 7 'there must be' faulty forgotten --benchmarks=fillseq,openafterkill
    run faulty slow --turns=2 --benchmarks=fillseq,readseq --num=200 --json=slow.json
    like spread_too_wide_is_told "$rc $out" '^0 .*'
    is spread_too_wide_names_it "$(grep -A9 '^Too wide' <<<"$out" | grep -cE '^  fillseq +leveldb +[0-9]+ %')" 1
    is spread_too_wide_is_in_the_json "$(field slow.json fillseq too_wide) $(between "$(field slow.json fillseq spread)" 0.31 2)" "true 1"
    is median_of_two_lies_between "$(between "$(field slow.json fillseq ops_per_s_median) / (($(field slow.json fillseq min) + $(field slow.json fillseq max)) / 2)" 0.999 1.001)" 1
    like settings_are_told "$out" 'survives kill -9, nothing is synced'
    like memory_at_hand_is_told "$out" 'up to 512 MiB of memory are touched'
    like settings_of_the_peer_are_told "$out" 'LevelDB [0-9.]+, blocks compressed by Snappy'
    run bench --engines=6,leveldb --turns=2 --benchmarks=fillseq
    like table_has_ratios "$out" '^fillseq .* x[0-9.]+ +[0-9,]+ +x1\.00$'
    # ---- Cut short ----
    strata-bench --engines=leveldb,9 --turns=9 --num=100000 --benchmarks=fillseq --json=cut.json >/dev/null &
    cut=$!
    wait_until eval 'ls "$TMPDIR"/strata-bench.*/leveldb/CURRENT'
    kill -INT $cut 2>/dev/null
    kill -TERM $cut
    { wait $cut; } 2>/dev/null
    is interrupted_it_ends_by_the_signal "$(($? > 128))" 1
    is interrupted_it_leaves_nothing "$(ls "$TMPDIR" cut.json* 2>/dev/null | grep -v :$)" ""
else
    skip wrong_value_is_caught "no LevelDB, or sanitizers"
fi

# ---- Pictures ----
run "$root/bench/plot.sh" --help
like plot_help_has_an_example "$rc $out" '^0 .*'
fails plot_unknown_option_is_2 2 'is no option' "$root/bench/plot.sh" --fast
fails plot_of_nowhere_is_2 2 'no directory' env FROM=nowhere "$root/bench/plot.sh"
mkdir results
fails plot_of_nothing_is_1 1 'no results in' env FROM=results "$root/bench/plot.sh"
if grep -qx leveldb <<<"$peers"; then
    bench --engines=leveldb,9 --turns=2 --benchmarks=$all --json=results/results.json >/dev/null
    drawn="amplification.svg latency.svg sizes.svg stairs.svg throughput.svg"
else
    cp 6.json results/results.json
    drawn="amplification.svg latency.svg sizes.svg stairs.svg"
fi
bench --engines=stages --benchmarks=fillseq,filluniquerandom,readrandom --json=results/stairs.json >/dev/null
for n in 100 200; do bench --engines=5,9 --num=$n --benchmarks=filluniquerandom,readrandom --json=results/sizes-$n.json >/dev/null; done
run env FROM=results TO=pictures "$root/bench/plot.sh"
is plot_draws_all "$rc $(grep -v 'left out' <<<"$err") $(ls pictures | tr '\n' ' ')" "0  $drawn "
[ -f pictures/throughput.svg ] &&
    is plot_throughput_has_its_panels "$(grep -oE '>(Writing|Reading and opening|YCSB|readhot|ycsbf)<' pictures/throughput.svg | sort -u | tr '\n' ' ')" ">Reading and opening< >Writing< >YCSB< >readhot< >ycsbf< "
is plot_stairs_have_their_lines "$(grep -oE '<title>[^<]*</title>|>(fillseq|readrandom)<' pictures/stairs.svg | grep -cE '>(fillseq|readrandom)<')" 2
is plot_sizes_name_the_engines "$(grep -oE '>Strata [59]<' pictures/sizes.svg | sort -u | tr '\n' ' ')" ">Strata 5< >Strata 9< "
is nothing_is_left_behind "$(ls "$TMPDIR")" ""
done_testing
