#!/bin/bash
# make bench-levels and bench-growth: what one engine tells is held against what others count (du, the
# kernel, arithmetic); what is made of it, against figures reckoned by hand from a program that always
# tells the same.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-levels" ] ||
    { echo "not ok - there is no $built/bench/strata-levels: make bench-build"; exit 1; }
ln -s "$built/bench/strata-levels" "$work/bin/strata-levels"
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
levels() { env B="$built" N=1000 GETS=400 TURNS=1 "$@" "$root/bench/levels.sh"; }
growth() { env B="$built" GETS=400 "$@" "$root/bench/growth.sh"; }
told() { awk -v name="$1" '$1 == name { print $2 }' <<<"$out"; }
names() { awk '{ print $1 }' <<<"$out" | tr '\n' ' '; }
row() { grep -m "${2:-1}" "^| $1  *|" <<<"$out" | tail -n 1 | sed -E 's/  +/ /g'; } # NAME [which]
bytes_of() { stat -c '%b %B' "$1"/* | awk '{ s += $1 * $2 } END { print s }'; }

# ---- One engine ----
run strata-levels --help
is help_ends_with_0 "$rc $err" "0 "
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
mkdir example && cd example && run $example && cd ..
is help_example_runs "$rc $(told put) $(told get) $(told seek10)" "0 10000 1000 250"
is disk_compacted_is_what_du_says "$(told disk_compacted)" "$(bytes_of example/db)"
is put_bytes_are_keys_and_values "$(told put_bytes)" $((10000 * 116))
# All is in one table: a filter and a block a get, next to no block a missing one.
is counts_of_a_get "$(told runs) $(told get.filter_probes) $(told get.blocks)" "1 1000 1000"
is counts_of_a_missing_get "$(told missing.filter_probes) $(($(told missing.blocks) < 50))" "1000 1"
is counts_of_a_scan_are_of_each_block_once \
    "$(($(told forward.blocks) >= 10000 / 45 && $(told forward.blocks) <= 10000 / 25))" 1
is counts_of_a_cached_get_load_nothing "$(told get.blocks_loaded)" 0
is counts_put_compares "$(($(told put.comparisons) > 10000 * 8 && $(told put.comparisons) < 10000 * 40))" 1
is latencies_are_in_order \
    "$(($(told put_p50_ns) <= $(told put_p99_ns) && $(told put_p99_ns) <= $(told put_p999_ns) && $(told put_p999_ns) <= $(told put_max_ns)))" 1
is memory_most_is_the_most "$(($(told memory_load_most) >= $(told memory_load)))" 1
# The kernel adds up what this shell's children wrote.
mkdir io && run bash -c 'strata-levels --num=20000 --gets=100 --histogram 6 io && sed -n "s/^write_bytes: /all /p; s/^wchar: /all_called /p" /proc/$$/io'
like histogram_is_shown "$err" '100\.000 %'
if [ "$(told all)" -gt 0 ]; then
    is written_is_what_the_kernel_counts \
        "$(($(told written) <= $(told all) && $(told written) > $(told put_bytes) && $(told written) >= $(told disk)))" 1
else
    skip written_is_what_the_kernel_counts "files in memory are not written"
fi
is called_is_what_the_kernel_counts "$(($(told called) <= $(told all_called) && $(told called) >= $(told disk_closed) - 65536))" 1
fails directory_that_is_full_is_7 7 'already there' strata-levels --num=1000 6 io
for argument in --num=99 --gets=0 --cache= --cache=x --fills; do
    fails "argument_${argument}_is_2" 2 'no option, or no value for it' strata-levels "$argument" 6 .
done
fails no_engine_is_2 2 'an engine and a directory' strata-levels
fails unknown_engine_is_2 2 'neither leveldb nor rocksdb nor' strata-levels 99 .
for engine in leveldb rocksdb; do
    if strata-levels --about $engine >about 2>&1; then
        mkdir $engine && run strata-levels --num=5000 --gets=400 $engine $engine
        is "${engine}_does_all_works" "$rc $(told put) $(told forward) $(told get) $(told missing) $(told seek10) $(told compact)" "0 5000 5000 400 400 100 1"
        is "${engine}_writes_its_log_and_a_table" "$(($(told called) >= 5000 * 116 + $(told disk_closed) / 2))" 1
        is "${engine}_disk_is_what_du_says" "$(told disk_compacted)" "$(bytes_of $engine/db)"
        is "${engine}_settles_to_tables" "$(($(stat -c %s $engine/db/*.log | sort -n | tail -n 1) < 65536))" 1
    else
        skip "${engine}_does_all_works" "$engine is not in this build"
        fails "${engine}_that_was_asked_for_is_7" 7 'build again' levels ENGINES="$engine 6"
    fi
done
[ -d rocksdb ] && like rocksdb_tells_how_it_was_built "$(cat about)" '^RocksDB [0-9.]+, .*this build: assertions are (not )?tested, fast CRC32: (Not s|S)upported'

# ---- What is made of it: figures that everybody can reckon ----
# Turn 1, 2, 3 of leveldb: 1, 2, 4 seconds; stage 6 is four times as fast; RocksDB half as fast.
cat >fake <<'END'
#!/bin/bash
for engine; do case $engine in --about) about=1 ;; --label=turn*) turn=${engine#--label=turn } turn=${turn%% *} ;; -*) ;; *) names+=("$engine") ;; esac; done
engine=${names[0]}
[ "${about:-}" ] && case $engine in 6) echo 'the "six"' ;; leveldb) echo level ;; rocksdb) [ "${NO_ROCKS:-}" ] && echo "none here" >&2 && exit 7; echo rocks ;; *) exit 2 ;; esac && exit 0
case $engine in 6) part=4 written=2320000 disk=1150 ;; rocksdb) part=0.5 written=3480000 disk=2000 ;; *) part=1 written=4640000 disk=1200 ;; esac
awk -v s=$((1 << turn - 1)) -v part=$part -v written=$written -v disk=$disk 'BEGIN {
    s /= part
    print "put 10000", s * 0.75, 1; print "owed 1", s * 0.25, 0.5
    print "put_p50_ns", 1000 * s, "0 0"; print "put_p99_ns", 2000 * s, "0 0"; print "put_p999_ns", 3000 * s, "0 0"; print "put_max_ns", 4000000 * s, "0 0"
    print "put_bytes 1160000 0 0"; print "written", written, "0 0"; print "called", written / 2, "0 0"
    print "disk", disk * 1e6, "0 0"; print "disk_closed", disk * 9e5, "0 0"; print "disk_compacted 1000000000 0 0"
    print "memory_load_most 50000000 0 0"; print "memory_read 60000000 0 0"; print "memory_read_mapped 10000000 0 0"
    print "get 10000", s, s; print "missing 20000", s, s; print "forward 30000", s, s; print "seek10 2000", s, s
    if (part == 4) { print "get_mapped 10000", s / 2, s; print "seek10_mapped 2000", s / 2, s }
    print "compact 1", s, s }'
END
chmod +x fake
run levels LEVELS="$PWD/fake" N=10000 TURNS=3 JSON="$PWD/fake.json"
is table_load_has_what_was_owed "$rc $(row load)" "0 | load | kops/s | 5.00 (2.50-10.0) | 20.0 (10.0-40.0) | 4.00 | met: >= 1.5 |"
is table_put_alone "$(row put)" "| put | kops/s | 6.67 (3.33-13.3) | 26.7 (13.3-53.3) | 4.00 | |"
is table_owed "$(row owed)" "| owed | s | 0.50 (0.25-1.00) | 0.12 (0.06-0.25) | 0.25 | |"
is table_load_cpu_is_of_both "$(row 'load cpu')" "| load cpu | s | 1.50 (1.50-1.50) | 1.50 (1.50-1.50) | 1.00 | |"
is table_latencies_are_us "$(row 'put p50')$(row 'put p99')$(row 'put p99.9')$(row 'put max')" \
    "| put p50 | us | 2.00 (1.00-4.00) | 0.50 (0.25-1.00) | 0.25 | || put p99 | us | 4.00 (2.00-8.00) | 1.00 (0.50-2.00) | 0.25 | || put p99.9 | us | 6.00 (3.00-12.0) | 1.50 (0.75-3.00) | 0.25 | || put max | us | 8000 (4000-16000) | 2000 (1000-4000) | 0.25 | |"
is table_write_amplification_is_per_byte_put "$(row 'write amp')" "| write amp | | 4.00 (4.00-4.00) | 2.00 (2.00-2.00) | 0.50 | met: <= 1 |"
is table_by_calls "$(row 'by calls')" "| by calls | | 2.00 (2.00-2.00) | 1.00 (1.00-1.00) | 0.50 | |"
is table_space_amplification_is_per_byte_compacted "$(row 'space amp')$(row closed)" \
    "| space amp | | 1.20 (1.20-1.20) | 1.15 (1.15-1.15) | 0.96 | met: itself <= 1.15 || closed | | 1.08 (1.08-1.08) | 1.03 (1.03-1.03) | 0.96 | |"
is table_disk_is_mb "$(row disk)$(row compacted)" "| disk | MB | 1200 (1200-1200) | 1150 (1150-1150) | 0.96 | || compacted | MB | 1000 (1000-1000) | 1000 (1000-1000) | 1.00 | |"
is table_reads "$(row get)$(row missing)$(row forward)$(row seek10)" \
    "| get | kops/s | 5.00 (2.50-10.0) | 20.0 (10.0-40.0) | 4.00 | met: >= 3 || missing | kops/s | 10.0 (5.00-20.0) | 40.0 (20.0-80.0) | 4.00 | met: >= 3 || forward | kops/s | 15.0 (7.50-30.0) | 60.0 (30.0-120.0) | 4.00 | met: >= 3 || seek10 | kops/s | 1.00 (0.50-2.00) | 4.00 (2.00-8.00) | 4.00 | met: >= 2 |"
is table_mapped_reads_stand_beside_the_peers_only_way "$(row get_mapped)" "| get_mapped | kops/s | 5.00 (2.50-10.0) | 40.0 (20.0-80.0) | 8.00 | |"
is table_compaction_is_time "$(row compact)" "| compact | s | 2.00 (1.00-4.00) | 0.50 (0.25-1.00) | 0.25 | met: <= 0.333 |"
is table_memory "$(row 'memory load')$(row 'memory read')$(row 'mapped of it')" \
    "| memory load | MB | 50.0 (50.0-50.0) | 50.0 (50.0-50.0) | 1.00 | || memory read | MB | 60.0 (60.0-60.0) | 60.0 (60.0-60.0) | 1.00 | || mapped of it | MB | 10.0 (10.0-10.0) | 10.0 (10.0-10.0) | 1.00 | |"
is table_of_rocksdb_is_its_own "$(row load 2)$(row 'write amp' 2)" \
    "| load | kops/s | 5.00 (2.50-10.0) | 2.50 (1.25-5.00) | 0.50 | || write amp | | 4.00 (4.00-4.00) | 3.00 (3.00-3.00) | 0.75 | |"
like table_says_the_settings "$out" '10000 keys of 16 bytes in random order.*'
like table_says_whose_they_are "$out" '^  rocks$'
if command -v jq >/dev/null; then
    is json_figures "$(jq -c '.runs[] | select(.engine == "6" and .figure == "write amp") | [.n, .turns, .median, .min, .max, .ratio_to_leveldb]' fake.json)" '[10000,3,2,2,2,0.5]'
    is json_medians "$(jq -c '.runs[] | select(.engine == "rocksdb" and .figure == "load") | [.median, .min, .max, .ratio_to_leveldb]' fake.json)" '[2.5,1.25,5,0.5]'
    is json_settings "$(jq -c '[.settings.num, .settings.turns, .settings.cache_mib, .settings.check_reads, .engines]' fake.json)" '[10000,3,256,false,["level","rocks","the \"six\""]]'
    is json_mapped_is_stage_6_alone "$(jq -c '[.runs[] | select(.figure == "get_mapped") | .engine]' fake.json)" '["6"]'
else
    skip json_figures "no jq"
fi
run levels LEVELS="$PWD/fake" NO_ROCKS=1
is missing_rocksdb_is_told_and_left_out "$rc $(grep -c RocksDB <<<"$out") $err" $'0 0 none here\nlevels: rocksdb is left out'
fails missing_rocksdb_that_was_asked_for_is_7 7 'none here' levels LEVELS="$PWD/fake" NO_ROCKS=1 ENGINES="leveldb rocksdb"
run levels LEVELS="$PWD/fake" ENGINES="6 leveldb"
is goals_are_beside_leveldb_only "$rc $(row get)" "0 | get | kops/s | 40.0 | 10.0 | 0.25 | |"
sed -i 's/written=2320000 disk=1150/written=4756000 disk=1151/; s/part=4/part=2.9/' fake
run levels LEVELS="$PWD/fake"
is goals_that_are_missed_are_told "$(grep -o 'NOT MET.*' <<<"$out" | tr '\n' ' ')" \
    "NOT MET: <= 1 | NOT MET: itself <= 1.15 | NOT MET: >= 3 | NOT MET: >= 3 | NOT MET: >= 3 | NOT MET: <= 0.333 | "

# ---- In turns ----
run "$root/bench/levels.sh" --help
like levels_help_tells_the_variables "$rc $out" '^0 What levels cost'
like levels_help_has_an_example "$out" 'make bench-levels N=100000 TURNS=1'
fails levels_unknown_option_is_2 2 'is no option' "$root/bench/levels.sh" --fast
for bad in N=1e6 N=0 N=99 GETS=99 TURNS=0 CACHE=; do
    [ $bad = CACHE= ] || fails "levels_${bad}_is_2" 2 'whole number|at least 100' levels $bad
done
run levels ENGINES='6 6'
is levels_engine_is_as_large_as_itself "$rc $(row compacted | awk '{ print $(NF - 2) }')" "0 1.00"

# ---- Growth ----
cat >grows <<'END'
#!/bin/bash
for a; do case $a in --num=*) n=${a#*=} ;; esac; done
awk -v n=$n 'BEGIN { levels = n == 1000 ? 1 : 2
    print "levels", levels, "0 0\nruns", 2 * levels, "0 0"
    split("put get missing seek10 forward", work, " ")
    for (i = 1; i <= 5; i++) {
        print work[i], 100, "1 1"
        print work[i] ".comparisons", 1000 * (n == 1000 ? 1 : i), "0 0"
        print work[i] ".filter_probes", 100 * levels, "0 0"
        print work[i] ".blocks", 50, "0 0"
    } }'
END
chmod +x grows
run growth LEVELS="$PWD/grows" SIZES="1000 2000" TO="$PWD/grown"
is growth_is_per_operation "$rc $(row get.comparisons)$(row get.blocks)$(row get.filter_probes)" \
    "0 | get.comparisons | 10.00 | 20.00 | 2.00 | met || get.blocks | 0.50 | 0.50 | 1.00 | met || get.filter_probes | 1.00 | 2.00 | 2.00 | met |"
is growth_faster_than_levels_is_told "$(grep -c 'NOT MET' <<<"$out") $(row missing.comparisons)" "3 | missing.comparisons | 10.00 | 30.00 | 3.00 | NOT MET |"
is growth_levels_and_runs "$(row levels)$(row runs)" "| levels | 1 | 2 | 2.00 | || runs | 2 | 4 | 2.00 | |"
is growth_tsv_has_a_line_a_size "$(cut -f 1-3,7-9 grown/growth.tsv)" \
    $'# keys\tlevels\truns\tget.comparisons\tget.filter_probes\tget.blocks\n1000\t1\t2\t10.000\t1.000\t0.500\n2000\t2\t4\t20.000\t2.000\t0.500'
if command -v gnuplot >/dev/null; then
    is growth_plot_shows_all "$(grep -oE '(put|get|missing|seek10|levels): [0-9.]+ \.\. [0-9.]+' grown/growth.svg | sort | uniq -c | sed 's/^ *//' | tr '\n' ';')" \
        "1 get: 0.500 .. 0.500;1 get: 1.0 .. 2.0;1 get: 10.0 .. 20.0;3 levels: 1 .. 2;1 missing: 0.500 .. 0.500;1 missing: 1.0 .. 2.0;1 missing: 10.0 .. 30.0;1 put: 10.0 .. 10.0;1 seek10: 0.500 .. 0.500;1 seek10: 10.0 .. 40.0;"
    is growth_plot_names_its_panels "$(grep -oE '(keys compared|filters asked|blocks looked at): times' grown/growth.svg | tr '\n' ';')" \
        "keys compared: times;filters asked: times;blocks looked at: times;"
else
    skip growth_plot_shows_all "no gnuplot"
fi
sed -i '/probes/d' grows
fails growth_of_what_is_not_counted_is_1 1 'put.filter_probes is not counted' growth LEVELS="$PWD/grows" SIZES=1000
run growth SIZES="1000 4000"
like growth_of_a_stage "$rc $(row get.filter_probes)" '^0 \| get.filter_probes \| 1.00 \| 1.00 \| 1.00 \| met'
run "$root/bench/growth.sh" --help
like growth_help_has_an_example "$rc $out" 'make bench-growth SIZES='
for bad in SIZES=10 SIZES=1e6 "SIZES=2000 1000" GETS=5; do
    fails "growth_${bad// /_}_is_2" 2 'whole number|ascend|at least 100' growth "$bad"
done
fails growth_unknown_option_is_2 2 'is no option' "$root/bench/growth.sh" --fast
is nothing_is_left_behind "$(ls "$TMPDIR")" ""
done_testing
