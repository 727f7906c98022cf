#!/bin/bash
# Options of opening: what they mean, seen in what they do; and what is none of their values.
. "$(dirname "$0")/tap.bash"
strata datagen -n 20000 --value-size 200 >in.tsv

figure() { strata shell "$1" "${@:3}" < <(cat; echo "stats --json") | tail -1 | grep -oE "\"$2\": [0-9]+" | cut -d' ' -f2; }
of_load() { # FIGURE [OPTION]...: of a database that was loaded so: the files it left
    rm -rf loaded
    strata load loaded in.tsv "${@:2}" 2>"$work/err"
    strata stats loaded --json | grep -oE "\"$1\": [0-9]+" | cut -d' ' -f2
}

# ---- --memtable, --compaction ----
is memtable_holds_all "$(of_load tables)" 1
few=$(of_load tables --memtable 1M)
is small_memtable_is_flushed_often "$((few >= 3))" 1
same_size=$(of_load tables --memtable 1024K)
is sizes_are_powers_of_1024 "$same_size" "$few"
same_size=$(of_load tables --memtable=1048576)
is sizes_may_be_bytes "$same_size" "$few"
same_size=$(of_load tables --memtable 1m)
is sizes_take_small_letters "$same_size" "$few"
of_load tables --memtable 256K --compaction tiered >/dev/null
is tiered_keeps_all_on_level_0 "$(strata levels loaded | grep -c '^level')" 1
of_load tables --memtable 256K --compaction leveled >/dev/null
is leveled_uses_deeper_levels "$(($(strata levels loaded | grep -c '^level [1-6]') > 0))" 1

# ---- --cache, --mapped ----
scan='scan --prefix 000000000001'
small=$(echo "$scan" | figure loaded cache_bytes --cache 64K)
large=$(echo "$scan" | figure loaded cache_bytes --cache 64M)
is cache_is_as_large_as_asked "$((small <= 65536 && small < large))" 1
is mapped_reads_through_a_mapping "$(echo "$scan" | figure loaded fs_map)$(( $(echo "$scan" | figure loaded fs_map --mapped) > 0 ))" 01

# ---- --sync ----
puts=$'put a 1\nput b 2\nput c 3'
strata put calm k v # nothing is compacted there
for when in never interval always; do
    declare "syncs_$when=$(echo "$puts" | figure calm fs_sync --sync $when)"
done
is sync_never_syncs_nothing "$syncs_never" 0
is sync_interval_syncs_later "$syncs_interval" 0
is sync_always_syncs_each_put "$syncs_always" 3
is sync_default_is_the_strongest "$(($(echo "$puts" | figure calm fs_sync) >= 3))" 1
code sync_of_put 0 strata put loaded k v --sync never
code sync_of_del 0 strata del loaded k --sync=never --memtable 1M
code sync_of_compact 0 strata compact loaded --sync never --memtable 1M --compaction tiered --cache 1M --mapped
strata --stage 1 put one a 1
fails sync_that_the_stage_does_not_promise_is_5 5 'not supported: 01_append_log' strata put one a 1 --sync always

# ---- What is none ----
for size in '' M 64X 64MB 1.5M -1 ' 1' 18446744073709551616 16777216T 0x10; do
    fails "size_${size:-empty}_is_2" 2 "put: --cache: \"$size\" is no size: bytes, or with K, M, G or T behind" strata put loaded k v --cache="$size"
done
fails memtable_bad_size_is_2 2 'load: --memtable: "much" is no size' strata load loaded in.tsv --memtable much
fails sync_word_is_2 2 'put: --sync: "often" is none of never, interval, always' strata put new k v --sync often
fails sync_word_is_whole 2 'put: --sync: "alway" is none of' strata put new k v --sync alway
fails compaction_word_is_2 2 'shell: --compaction: "none" is none of leveled, tiered' strata shell loaded --compaction none
fails mapped_takes_no_value 2 'get: --mapped takes no value' strata get loaded k --mapped=yes
fails memtable_is_no_option_of_reading 2 'get: --memtable is no option of this command' strata get loaded k --memtable 1M
fails sync_is_no_option_in_the_shell 2 'put: --sync is no option of this command' bash -c "echo 'put k v --sync never' | strata shell loaded"
is wrong_options_make_nothing "$(ls -d new 2>&1 | grep -c 'No such')" 1
done_testing
