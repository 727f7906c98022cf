#!/bin/bash
# The comparison with other engines: its arguments, that each engine does all of the work and gives
# back what went in, and what the table makes of it. Its times are nobody's promise.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-peer" ] ||
    { echo "not ok - there is no $built/bench/strata-peer: make bench-build"; exit 1; }
ln -s "$built/bench/strata-peer" "$work/bin/strata-peer"
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
peers() { env B="$built" N=1000 GETS=400 RUNS=2 "$@" "$root/bench/peers.sh"; }
works() { awk '{ print $1 }' <<<"$out" | tr '\n' ' '; }
all='fillseq close open fillrandom compact files get missing forward reverse seek10 get8 get8mapped '
work_table='fillseq fillrandom get missing forward reverse seek10 get8 get8mapped compact close open'

# ---- One engine ----
run strata-peer --help
is help_ends_with_0 "$rc $err" "0 "
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
mkdir example && cd example && run $example && cd ..
is help_example_does_all_works "$rc $(works)" "0 $all"
mkdir fills && run strata-peer --num=1000 --fills 4 fills
is fills_alone "$rc $(works)" "0 fillseq close open fillrandom compact files "
is operations_are_told "$(awk '$1 ~ /^fill/ { print $2 }' <<<"$out" | tr '\n' ' ')" "1000 1000 "
is files_are_told_as_they_are "$(awk '$1 == "files" { print $2 }' <<<"$out")" "$(stat -c %s fills/random/* | awk '{ s += $1 } END { print s }')"
is what_was_put_is_there "$(strata scan fills/random | wc -l) $(strata scan fills/seq --keys-only | tail -n 1)" "1000 0000000000000999"
fails directory_that_is_full_is_7 7 'already there' strata-peer --num=1000 --fills 4 fills
for argument in --num= --num=99 --num=1e3 --gets=0 --gets=9999999999 --label= --nothing; do
    fails "argument_${argument}_is_2" 2 'no option, or no value for it' strata-peer "$argument" 5 .
done
fails no_engine_is_2 2 'an engine and a directory' strata-peer
fails no_directory_is_2 2 'an engine and a directory' strata-peer 5
fails unknown_engine_is_2 2 'neither leveldb nor' strata-peer 99 .

# ---- In turns ----
run "$root/bench/peers.sh" --help
like peers_help_tells_the_variables "$rc $out" '^0 Strata beside LevelDB.*'
fails peers_unknown_option_is_2 2 'is no option' "$root/bench/peers.sh" --fast
fails peers_number_that_is_none_is_2 2 '"1e6" is not a whole number' peers N=1e6
fails peers_too_few_is_2 2 'at least 100' peers N=10
fails peers_unknown_engine_is_2 2 'neither leveldb nor' peers ENGINES='4 99'
run peers ENGINES='5 5'
like peers_engine_is_as_fast_as_itself "$rc $(grep '^| forward' <<<"$out" | head -1)" '^0 .* 1\.00  \|  \|$'
if "$built/bench/strata-peer" --about leveldb >/dev/null 2>&1; then
    mkdir level && run strata-peer --num=1000 --gets=400 --check_reads leveldb level
    is leveldb_does_all_works "$rc $(works)" "0 ${all/get8 /}"
    run peers
    is peers_rows_a_table "$rc $(awk -F' *[|] *' '/^By/ { printf "| " } /^[|] [a-z]/ { printf "%s ", $2 }' <<<"$out")" \
        "0 | $work_table files | $work_table "
    like peers_tells_settings "$out" 'LevelDB [0-9.]+, blocks packed by Snappy, read from mapped files, .*not checked'
    like peers_judges_by_the_goal "$(grep '^| get8mapped' <<<"$out" | head -1)" '\| (met|NOT MET): stage 5 >= 2.5 \|$'
    run peers CHECK=1 RUNS=1
    like peers_check_is_told "$out" 'Snappy.*every block that is read is checked'
else
    skip leveldb "LevelDB is not in this build: libleveldb-dev is missing"
    fails peers_without_leveldb_is_7 7 'install libleveldb-dev' peers
fi
if "$built/bench/strata-peer" --about rocksdb >/dev/null 2>&1; then
    mkdir rocks && run strata-peer --num=1000 --gets=400 rocksdb rocks
    is rocksdb_does_all_works "$rc $(works)" "0 ${all/get8mapped /}"
    run peers ENGINES='5 rocksdb 6' RUNS=1
    is peers_rocksdb_has_tables_of_its_own "$rc $(grep -c '^|  *|  *| stage 5  *| stage 6' <<<"$out") $(grep -c '^|  *|  *| stage 5  *| RocksDB' <<<"$out")" "0 2 2"
else
    skip rocksdb "RocksDB is not in this build: librocksdb-dev is missing"
    fails peers_without_rocksdb_is_7 7 'install librocksdb-dev' peers ENGINES='5 rocksdb'
fi
is peers_leaves_nothing_behind "$(ls "$TMPDIR")" ""
done_testing
