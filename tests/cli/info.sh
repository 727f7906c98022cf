#!/bin/bash
# info: one screen about a database, at every stage, and what it says about its own numbers.
. "$(dirname "$0")/tap.bash"

# row LABEL: the row of $out that begins so, blanks squeezed.
row() { printf '%s\n' "$out" | grep -E "^ *$1  " | sed 's/^ *//; s/  */ /g'; }

for stage in $(strata stages | sed -n 's/^stage \([0-9]*\) .*/\1/p'); do
    strata datagen -n 3000 --value-size 50 | strata load "db$stage" - --stage "$stage" 2>/dev/null
    strata datagen -n 1000 --value-size 50 --seed 2 | strata load "db$stage" - 2>/dev/null
    strata del "db$stage" 0000000000000007
    chmod -R a-w "db$stage"
    sums=$(cat "db$stage"/* | cksum)
    run strata info "db$stage"
    is "info_stage_${stage}_ends_with_0" "$rc$err" 0
    like "info_stage_${stage}_is_named" "$(head -1 <<<"$out")" "^db$stage: stage $stage, 0*${stage}_"
    is "info_stage_${stage}_keys_are_exact" "$(row keys)" "keys $(strata count "db$stage" | sed 's/.*\(...\)$/2,\1/') exact"
    bytes=$(find "db$stage" -type f -printf '%s\n' | awk '{ s += $1 } END { printf s < 99950 ? "%.1f kB" : "%.0f kB", s / 1000 }')
    like "info_stage_${stage}_size_is_of_all_files" "$(row size)" "^size $bytes $(ls "db$stage" | wc -l) files, last written 20"
    like "info_stage_${stage}_log" "$(row log)" '^log [0-9.]+ k?B 1 file'
    like "info_stage_${stage}_space" "$(row 'space amplification')" '^space amplification 1\.[0-9][0-9] '
    like "info_stage_${stage}_last_event" "$(row 'last event')" '^last event [-a-z]+ '
    is "info_stage_${stage}_fits_a_screen" "$(printf '%s\n' "$out" | awk 'length > 100' | wc -l) $(( $(printf '%s\n' "$out" | wc -l) <= 20 ))" "0 1"
    is "info_stage_${stage}_writes_nothing" "$(cat "db$stage"/* | cksum)" "$sums"
    chmod -R u+w "db$stage"
done

# ---- Tables ----
run strata info db1
like info_without_tables_says_so "$(row tables)" '^tables - stages before 4'
is info_without_tables_has_no_read_amplification "$(row 'read amplification')" ""
run strata info db4
is info_tables_are_those_of_levels "$(row tables | cut -d' ' -f2)" "$(strata levels db4 | grep -c '^  0')"
is info_reads_may_ask_every_table_of_level_0 "$(row 'read amplification' | cut -d' ' -f3)" "$(row 'level 0' | cut -d' ' -f3)"
run strata info db9
like info_event_log_is_counted "$(row 'last event')" '^last event close [0-9]+ events in the event log$'
like info_write_amplification_is_of_the_event_log "$(row 'write amplification')" '^write amplification [0-9]+\.[0-9][0-9] table bytes'

# ---- Which keys are counted ----
strata datagen -n 700 --value-size 100000 --compressibility 0 | strata load large - 2>/dev/null
strata datagen -n 300 --value-size 1 | strata load large - 2>/dev/null
run strata info large
is info_large_is_approximate "$(row keys)" "keys 1,000 approximate: records in tables, replaced and deleted ones too"
strata compact large >compacted # 40 MB are left
run strata info large
is info_not_so_large_is_exact "$(row keys)" "keys 700 exact"
strata datagen -n 700 --value-size 100000 | strata load hashed - --stage 2 2>/dev/null
run strata info hashed
is info_of_an_index_is_exact_at_any_size "$(row keys)" "keys 700 exact"
strata load --stage 9 empty - </dev/null 2>/dev/null
run strata info empty
is info_of_nothing_is_exact "$(row keys)" "keys 0 exact"

# ---- In the shell, where the database is open already ----
run bash -c "printf 'put new 1\ninfo\n' | strata shell db6"
is info_in_the_shell_counts_what_was_just_put "$rc $(row keys)" "0 keys $(strata count db6 | sed 's/.*\(...\)$/3,\1/') exact"

# ---- What failed ----
# With some number of descriptors the event log can be opened, and no table.
strata datagen -n 10000 --value-size 100 >many.tsv
for descriptors in $(seq 10 20); do
    rm -rf full
    (ulimit -n "$descriptors"; strata load --memtable 1M --stage 9 full many.tsv) >/dev/null 2>&1 && break
    run strata info full
    [ "$(row 'last flush')" ] && break
done
is info_failed_flush_is_shown "$rc $(row 'last flush')" "0 last flush failed Too many open files: from the event log"
strata compact full >compacted
run strata info full
is info_failed_flush_is_over_when_one_has_ended "$rc $(row 'last flush')" "0 "

# ---- Damage ----
cp -r db5 damaged
flip damaged/"$(cd damaged && ls *.run *.sst *.table 2>/dev/null | head -1)" 100
run strata info damaged
is info_damage_is_3 "$rc" 3
like info_damage_is_named "$err" '^strata: info: corrupt: damaged/.* @[0-9]+: '
like info_damage_shows_the_rest "$out" '^damaged: stage 5'
like info_damage_keys_are_approximate "$(row keys)" ' approximate: '
fails info_of_no_database_is_7 7 'no database: nowhere' strata info nowhere
done_testing
