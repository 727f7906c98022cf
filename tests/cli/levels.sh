#!/bin/bash
# levels: what it draws of tables that overlap, lie apart, have keys that are no text, or are not
# there.
. "$(dirname "$0")/tap.bash"

# A close after so many bytes leaves a table: LAST of PREFIX's keys is PREFIX0499.
table() { # DIR PREFIX
    prefix=$2 awk 'BEGIN { for (i = 0; i < 500; i++) printf "%s%04d\tvalue %150d\n", ENVIRON["prefix"], i, i }' |
        strata load --batch 500 --stage 4 "$1" - 2>/dev/null
}
columns() { printf '%s\n' "$out" | awk '{ if (length > most) most = length } END { print most }'; }
bars() { printf '%s\n' "$out" | grep '|'; }

# ---- One table, two apart, three that overlap ----
table db b
run strata levels db
is levels_one_table "$rc $(sed -n 1p <<<"$out" | sed 's/[0-9]* bytes/N bytes/')" '0 level 0: 1 table, N bytes; a key may be in 1 of them'
is levels_bytes_are_the_files "$(awk 'NR == 3 { print $2 }' <<<"$out")" "$(stat -c %s db/000002.run)"
like levels_figures_of_a_table "$out" '^  000002 +[0-9]+ +500 +0  b0000 \.\. b0499$'
is levels_one_key_range_is_the_whole_bar "$(bars | tr -d ' ')" "|$(printf '=%.0s' $(seq 75))|"
is levels_fits_80_columns "$(( $(columns) < 80 ))" 1
table db y
run strata levels db
like levels_two_apart "$out" '^level 0: 2 tables, [0-9]+ bytes; a key may be in 1 of them$'
is levels_newest_stands_first "$(awk '$1 ~ /^0/ { printf "%s ", $1 }' <<<"$out")" '000004 000002 '
is levels_apart_are_drawn_apart "$(bars | tr -s '= ')" "$(printf '  | =|\n  |= |' | tr -s ' ')"
table db b
run strata levels db
like levels_overlap_is_counted "$out" '^level 0: 3 tables, [0-9]+ bytes; a key may be in 2 of them$'
strata compact db >/dev/null
run strata levels db
like levels_after_compact "$out" '^level 0: 1 table, .*b0000 \.\. y0499|  [0-9]+ .* 1000 +0  b0000 \.\. y0499$'

# ---- Deletes are counted ----
for i in 1 2 3; do strata del db "b000$i"; done
table db c
run strata levels db
like levels_counts_deletes "$(awk 'NR == 3' <<<"$out")" ' 503 +3  b0001 \.\. c0499$'

# ---- Keys that are no text, and long ones ----
table odd "$(printf 'a\\xff\\n')"
run strata levels odd
like levels_keys_are_escaped "$out" 'a\\xff\\n0000 \.\. a\\xff\\n0499$'
run strata levels odd --hex
like levels_keys_as_hex "$out" '  61ff0a30303030 \.\. 61ff0a30343939$'
table long "$(printf 'k%.0s' $(seq 300))"
run strata levels long
like levels_long_keys_are_cut "$out" '  k{11,14}\.\.\. \.\. k{11,14}\.\.\.$'
is levels_long_keys_fit "$(( $(columns) < 80 ))" 1

# ---- Levels ----
for key in a m z; do strata put --stage 9 leveled $key 1; done
strata compact leveled >/dev/null
strata put leveled k 2
run strata levels leveled
is levels_tell_of_each_level "$(sed -nE 's/^(level .*), [0-9]+ bytes/\1/p' <<<"$out")" \
    "$(printf 'level 0: 1 table; a key may be in 1 of them\nlevel 6: 1 table; a key may be in 1 of them')"
like levels_tell_where_level_0_goes "$out" '^tables of level 0 go to level 6$'
like levels_of_a_fixed_base_go_to_level_1 "$(strata levels --fixed-levels leveled)" '^tables of level 0 go to level 1$'
is levels_share_one_scale "$(bars | tr -s "= ")" "$(printf " | = |\n |=|")"

# ---- Value files ----
for key in a b c d; do head -c 6000 /dev/zero | tr '\0' x | strata put --stage 12 --value-bytes 4k apart $key -; done
strata compact apart >/dev/null
strata put apart a short && strata compact apart >/dev/null
run strata levels apart
like levels_sum_of_value_files "$out" '^values: 3 files, [0-9]+ bytes, of these 18054 live and [0-9]+ garbage$'
is levels_each_value_file "$(awk '/^values/ { on = 1 } on && $1 ~ /^0/ { print $3, $4 }' <<<"$out" | uniq -c | tr -s ' ')" ' 3 1 6018'
run strata info apart
like info_tells_of_value_files "$out" '^value files +3  18\.[0-9] kB, of these [0-9]+ B garbage$'
like stats_tell_of_value_files "$(strata stats apart)" '^value_live_bytes +18054 bytes'

# ---- Equal tables look equal, whatever their keys are: seven close together, one far away ----
for prefix in user:a user:b user:c user:d user:e user:f user:g zebra; do
    prefix=$prefix awk 'BEGIN { for (i = 0; i < 500; i++) { printf "%s%04d\t", ENVIRON["prefix"], i
            for (j = 0; j < 25; j++) printf "%06x", rand() * 16777216; print "" } }' |
        strata load --stage 9 --memtable 128K equal - 2>/dev/null # so that no table is small
done
run strata levels equal
is levels_equal_tables_are_equally_wide "$(bars | awk '{ n = gsub(/=/, ""); if (n < 9 || n > 10) print n } END { print NR " bars" }')" '8 bars'
is levels_equal_tables_fill_the_bar_side_by_side "$(bars | awk '{ for (i = 4; i < 79; i++) if (substr($0, i, 1) == "=") over[i]++ } END { for (i = 4; i < 79; i++) if (over[i] != 1) print i, over[i] }')" ''
for range in 'user:a0000 9999' 'user:a0100 9998'; do
    set -- $range
    prefix=${1%????} awk -v from="${1: -4}" -v to="$2" 'BEGIN { for (i = from; i <= to; i++) printf "%s%04d\tvalue %20d\n", ENVIRON["prefix"], i, i }' |
        strata load --stage 9 whole - 2>/dev/null
done
run strata levels whole
is levels_tables_of_nearly_all_keys_are_nearly_whole "$(bars | awk '{ n = gsub(/=/, ""); print (n >= 74) }' | tr '\n' ' ')" '1 1 '

# ---- One key ----
strata put --stage 4 single key value
strata compact single >/dev/null
run strata levels single
like levels_one_key "$rc $out" '^  000002 +[0-9]+ +1 +0  key \.\. key$'
is levels_one_key_is_the_whole_bar "$(bars | tr -d ' ')" "|$(printf '=%.0s' $(seq 75))|"

# ---- A table too small for a column has one ----
printf 'a\t1\n' | strata load --stage 9 small - 2>/dev/null
strata datagen -n 500 --seed 2 | strata load small - 2>/dev/null
printf 'z\t1\n' | strata load small - 2>/dev/null
run strata levels small
is levels_small_tables_are_seen "$(bars | tr -d ' ' | sort | uniq -c | tr -s ' \n' ' ')" " 1 |$(printf '=%.0s' $(seq 74))| 2 |=| "

# ---- The terminal's width ----
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    on_terminal() { script -qec "stty cols $1; strata levels db" /dev/null </dev/null | tr -d '\r'; }
    out=$(on_terminal 132)
    is levels_uses_a_wide_terminal "$(columns)" 131
    out=$(on_terminal 20)
    is levels_has_a_least_width "$(bars | head -1 | wc -c)" 65
else
    skip levels_terminal "no script"
fi

# ---- Boundaries so near each other that no floating-point number is between them ----
for records in '\t00\n00000000000000000000\t00' 'feffffffffffffffff\t00\nff\t00' 'ffffff\t00\nffffffffffffffffffff\t00'; do
    printf "$records\n" | strata load --stage 5 --hex near - 2>/dev/null
done
run strata levels near
is levels_near_boundaries_are_drawn "$(bars | awk '{ print (gsub(/=/, "") > 20) }' | tr '\n' ' ')" '1 1 1 '

# ---- None ----
printf 'a\t1\n' | strata load --stage 4 short - 2>/dev/null
prints levels_without_a_table 'no tables: all entries are in the log' strata levels short
run bash -c 'printf "levels\nput z 1\n" | strata shell short'
is levels_in_the_shell "$rc $out" '0 no tables: all entries are in the log'
for stage in 1 2 3; do
    strata put --stage $stage "db$stage" k v
    fails "levels_of_stage_${stage}_is_5" 5 "^strata: levels: not supported: 0${stage}_[a-z_]* has no sorted tables$" strata levels "db$stage"
    is "levels_of_stage_${stage}_prints_nothing" "$out" ""
done
fails levels_of_nothing_is_7 7 'no database: nowhere' strata levels nowhere
fails levels_without_dir_is_2 2 'levels: DIR is missing' strata levels
cp -r db damaged
flip "$(ls damaged/*.run | head -1)" 3
fails levels_damage_is_3 3 'damaged/[0-9]*\.run @0' strata levels damaged
if [ -w /dev/full ]; then
    fails levels_full_disk_is_4 4 'standard output: No space left' bash -c 'strata levels db >/dev/full'
else
    skip levels_full_disk "no /dev/full"
fi
done_testing
