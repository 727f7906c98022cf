#!/bin/bash
# datagen: made-up records: as many, as long, as skewed as asked; the same for a seed.
. "$(dirname "$0")/tap.bash"

# ---- The same for ever: these sums were taken once ----
fails datagen_of_a_bare_number_is_2 2 '3 records are -n 3' strata datagen 3
is datagen_made_no_file_of_that_name "$(ls 3 2>/dev/null)" ""
is datagen_is_the_same_for_ever "$(strata datagen | cksum)" "3440649494 118000"
is datagen_uniform_is_the_same_for_ever \
    "$(strata datagen -n 5000 --distribution uniform --seed 18446744073709551615 --key-size 9 | cksum)" "738515095 555000"
is datagen_zipfian_is_the_same_for_ever \
    "$(strata datagen -n 5000 --distribution zipfian --theta 0.8 --compressibility .25 --value-size 5000 | cksum)" "2982622698 25090000"

# ---- What is asked for ----
prints datagen_count_is_a_thousand 1000 bash -c 'strata datagen | wc -l'
is datagen_lines_are_key_and_value "$(strata datagen -n 20 | grep -cE '^[0-9]{16}	[A-Za-z0-9_-]{100}$')" 20
prints datagen_nothing "" strata datagen -n 0
prints datagen_count_behind_the_letter $'0\t\n1\t\n2\t' strata datagen -n3 --key-size 1 --value-size 0
prints datagen_long_name $'0\t\n1\t' strata datagen --count=2 --key-size 1 --value-size 0
prints datagen_keys_go_round $'0\t\n1\t\n0\t\n1\t\n0\t' strata datagen -n 5 --keys 2 --key-size 1 --value-size 0
prints datagen_longest_key 65536 bash -c "strata datagen -n 1 --key-size 65536 | cut -f1 | tr -d '\\n' | wc -c"
is datagen_sequential_is_each_key_once "$(strata datagen -n 2000 | cut -f1)" "$(seq -f %016.0f 0 1999)"
distinct=$(strata datagen -n 20000 --distribution uniform | cut -f1 | sort -u | wc -l)
is datagen_uniform_draws_63_percent "$((distinct > 12400 && distinct < 12900))" 1 # 1 - 1/e
top=$(strata datagen -n 20000 --keys 1000 --distribution zipfian | cut -f1 | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }')
is datagen_zipfian_draws_one_key_often "$((top > 2400 && top < 2900))" 1 # 20000 / zeta(1000, 0.99) = 2588
top=$(strata datagen -n 20000 --keys 1000 --distribution zipfian --theta 0 | cut -f1 | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }')
is datagen_zipfian_theta_0_is_no_more_skewed_than_the_hash "$((top < 300))" 1
is datagen_seeds_differ "$(($(strata datagen --seed 2 | cksum | cut -d' ' -f1) != $(strata datagen | cksum | cut -d' ' -f1)))" 1
if command -v gzip >/dev/null; then
    fresh=$(strata datagen -n 500 --value-size 4000 | gzip -1 | wc -c)
    half=$(strata datagen -n 500 --value-size 4000 --compressibility 0.5 | gzip -1 | wc -c)
    is datagen_half_compressible_is_half "$((half * 100 / fresh > 45 && half * 100 / fresh < 56))" 1
else
    skip datagen_half_compressible_is_half "no gzip"
fi

# ---- Formats and files ----
code datagen_into_a_file 0 strata datagen -n 100 r.jsonl
is datagen_prints_nothing_then "$out$err" ""
strata load db r.jsonl 2>/dev/null
same datagen_loads_what_it_made <(strata dump db) <(strata datagen -n 100)
prints datagen_csv_header 'key,value' bash -c 'strata datagen -n 1 --format csv --header - | head -1'
prints datagen_hex $'30\t' strata datagen -n 1 --key-size 1 --value-size 0 --hex
fails datagen_never_overwrites 4 'strata: datagen: r.jsonl: File exists' strata datagen r.jsonl
if [ -w /dev/full ]; then
    fails datagen_full_disk_is_4 4 'standard output: No space left' bash -c 'strata datagen >/dev/full'
else
    skip datagen_full_disk_is_4 "no /dev/full"
fi
run bash -c 'strata datagen -n 1000000000 | head -1 >/dev/null; exit ${PIPESTATUS[0]}'
is datagen_ends_with_its_reader "$rc$err" 141
if command -v script >/dev/null; then
    script -qec "stty cols 100; strata datagen -n 300000 big.tsv" /dev/null </dev/null >"$work/out" 2>&1
    like datagen_on_a_terminal_shows_progress "$(tr '\r' '\n' <"$work/out")" \
        '^datagen \[=*>? *\] +[0-9]+%  [0-9.]+ [kMG]?B/s  [0-9]+ records/s  [0-9]+:[0-9][0-9] left'
else
    skip datagen_on_a_terminal "no script(1)"
fi

# ---- What cannot be ----
wrong() { # NAME REGEX ARGUMENT...
    local name=$1 says=$2
    shift 2
    fails "datagen_$name" 2 "^strata: datagen: $says" strata datagen "$@"
}
wrong keys_too_short 'the keys are too short for so many' -n 101 --key-size 2
wrong unknown_distribution '--distribution: "zipf" is none of sequential, uniform, zipfian' --distribution zipf
wrong theta_without_zipfian '--theta: only zipfian has one' --theta 0.5
wrong theta_1 '--theta: "1" is no number from 0 to 0.999' --distribution zipfian --theta 1
wrong compressibility_above_1 '--compressibility: "1.1" is no number from 0 to 1' --compressibility 1.1
for fraction in '' . x 0.5x -0.1 1e-1 0.1234567 0..5 ,5 ' .5' 99999999999999999999; do
    wrong "fraction($fraction)" '--compressibility: ".*" is no number' "--compressibility=$fraction"
done
for fraction in 0 1 .5 0.5 1. 1.000000 00.25 0.000001; do
    code "datagen_fraction($fraction)_is_one" 0 strata datagen -n 1 --compressibility $fraction
done
wrong key_size_too_large '--key-size: "65537" is no whole number of 0 to 65536' --key-size 65537
wrong value_size_too_large '--value-size: "1073741825"' --value-size 1073741825
wrong no_keys '--keys: "0" is no whole number of 1 to' --keys 0
wrong letter_without_value '--count wants N after it' -n
wrong letter_twice '--count is given twice' -n 1 --count 2
wrong unknown_format '--format: "xml"' --format xml
fails datagen_file_without_a_name 4 'No such file' strata datagen ''
done_testing
