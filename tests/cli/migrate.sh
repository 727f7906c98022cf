#!/bin/bash
# migrate: every stage to itself and to every later one (with QUICK: to the newest); a copy that
# was cut short is never taken for a whole one. compact: where a stage can, and where not.
root=$PWD
. "$(dirname "$0")/tap.bash"
stages=$(strata stages | awk '/^stage/ { print $2 }')
newest=$(echo "$stages" | tail -1)
{ seq 3000 | sed 's/.*/k&\tvalue &/'; printf '\tthe empty key\nempty\t\na\\x00\\xff\\n\t\\t\\\\\n'; } >in.tsv
files() { (cd "$1" && find . -type f -exec cksum {} + | sort); }

for from in $stages; do
    strata --stage "$from" load "src$from" in.tsv 2>/dev/null
    strata del "src$from" k77
    strata put "src$from" k78 later
    before=$(files "src$from")
    for to in $stages; do
        [ "$to" -ge "$from" ] || continue
        [ "${QUICK:-no}" = no ] || [ "$to" = "$newest" ] || [ "$from$to" = 12 ] || continue
        dst=dst$from$to
        run strata migrate "src$from" "$dst" --to "$to"
        is "migrate_${from}_to_${to}_is_quiet_on_stdout" "$rc$out" 0
        like "migrate_${from}_to_${to}_sums_up" "$err" \
            "^migrated 3002 records, [0-9]+ bytes of keys and values, to stage $to in [0-9.]+ s; all were read back\$"
        same "migrate_${from}_to_${to}_holds_all" <(strata dump "$dst") <(strata dump "src$from")
        like "migrate_${from}_to_${to}_is_of_that_stage" "$(strata stats "$dst" | head -1)" "^stage +$to "
        prints "migrate_${from}_to_${to}_has_no_damage" "$dst: no damage" strata verify "$dst"
        code "migrate_${from}_to_${to}_takes_a_write" 0 strata put "$dst" new value
    done
    is "migrate_leaves_the_source_of_stage_${from}_untouched" "$(files "src$from")" "$before"
done

# ---- Databases of an older format ----
cp -r "$root/tests/golden/06_format_1" older
before=$(files older)
for to in 3 6 "$newest"; do
    code "migrate_of_stage_6_format_1_to_$to" 0 strata migrate older "of_older$to" --to "$to"
    same "migrate_of_stage_6_format_1_to_${to}_holds_all" <(strata dump "of_older$to") "$root/tests/golden/06.tsv"
done
for command in "put older k v" "del older apple" "compact older" "shell older"; do
    fails "${command%% *}_of_an_older_format_says_what_to_do" 7 \
        'an earlier build wrote it as stage 6, format 1, .* `strata migrate DIR NEW --to 9` makes' strata $command
done
fails get_of_an_older_format_by_its_number_says_what_to_do 7 '`strata migrate DIR NEW --to 9` makes' strata --stage 6 get older apple
prints get_of_an_older_format black strata get older cherry
prints verify_of_an_older_format "older: no damage" strata verify older
code backup_of_an_older_format 0 strata backup older older_backup
same backup_of_an_older_format_holds_all <(strata dump older_backup) "$root/tests/golden/06.tsv"
code backup_of_an_older_format_takes_a_write 0 strata put older_backup k v
rm -f older/LOCK
is older_format_is_left_as_it_was "$(files older)" "$before"
# Damage is repaired where the database is, and the marker stays.
dd if=/dev/zero of=older/CURRENT bs=1 count=8 conv=notrunc 2>/dev/null
fails get_of_a_damaged_older_format 3 'corrupt: older/CURRENT' strata get older cherry
code repair_of_an_older_format 0 strata repair older
prints repair_of_an_older_format_keeps_its_marker "$(cksum <"$root/tests/golden/06_format_1/STRATA")" cksum <older/STRATA
same repair_of_an_older_format_holds_all <(strata dump older) "$root/tests/golden/06.tsv"

# ---- What it refuses ----
src=src$newest
fails migrate_without_a_stage_is_2 2 '^strata: migrate: --to N is missing' strata migrate "$src" x
fails migrate_to_no_number_is_2 2 '^strata: migrate: --to: "k" is no whole number' strata migrate "$src" x --to k
fails migrate_to_no_stage_is_2 2 '--to: "99" is no whole number of 1 to ' strata migrate "$src" x --to 99
fails migrate_of_nothing_is_7 7 'no database: nowhere' strata migrate nowhere x --to "$newest"
fails migrate_to_a_database_is_7 7 'already there: dst12' strata migrate "$src" dst12 --to "$newest"
fails migrate_into_the_source_is_2 2 'lies in' strata migrate "$src" "./$src/inside" --to "$newest"
fails migrate_onto_the_source_is_2 2 'lies in' strata migrate "$src" "$PWD/$src" --to "$newest"
mkdir "$src/below"
fails migrate_deep_into_the_source_is_2 2 'lies in' strata migrate "$src" "$src/below/inside" --to "$newest"
rmdir "$src/below"
mkdir "${src}x"
code migrate_beside_the_source_is_not_in_it 0 strata migrate "$src" "${src}x" --to "$newest"
rm -r "${src}x"
fails migrate_missing_parent_is_4 4 'No such file' strata migrate "$src" no/where --to "$newest"
mkdir full empty
echo mine >full/notes.txt
fails migrate_to_what_is_not_empty_is_7 7 'not empty' strata migrate "$src" full --to "$newest"
is migrate_left_what_was_there "$(ls full)" notes.txt
code migrate_into_an_empty_directory 0 strata migrate "$src" empty --to "$newest"
is migrate_refused_makes_nothing "$(ls -d x 2>&1 | grep -c 'No such')" 1
fails option_to_means_a_key_to_scan 2 'scan: --to: column 1: ' strata scan "$src" --to '\z'
prints option_to_before_the_command $'a\\x00\\xff\\n' strata --to b scan "$src" --from a --keys-only

# A source that was cut in the middle of a write: what it holds is copied, and it stays as it is.
strata --stage 1 load torn in.tsv 2>/dev/null
truncate -s -1 torn/*.log
before=$(files torn)
run strata migrate torn untorn --to "$newest"
like migrate_of_a_torn_tail_warns "$rc $err" '^0 strata: warning: '
is migrate_of_a_torn_tail_leaves_it "$(files torn)" "$before"
same migrate_of_a_torn_tail_holds_the_rest <(strata dump untorn) <(strata dump torn 2>/dev/null)

# A source with damage: no copy.
cp -r src1 damaged
flip "$(ls damaged/*.log)" 40000
fails migrate_of_damage_is_3 3 'corrupt: damaged/' strata migrate damaged half --to "$newest"
code damaged_source_makes_no_database 7 strata get half k1

# ---- Cut short ----
incomplete() { # NAME DIR
    for command in "get $2 k1" "put $2 k v" "del $2 k1" "scan $2" "load $2 in.tsv" "dump $2" "stats $2" \
        "verify $2" "compact $2" "migrate $2 other --to $newest" "migrate $src $2 --to $newest"; do
        fails "$1_${command%% *}_says_incomplete" 7 "no database: $2: it is incomplete: a copy into it was cut short" \
            strata $command
    done
    run strata inspect "$2/STRATA"
    like "$1_inspect_says_incomplete" "$rc $out" 'filling: a copy into this directory is not complete'
}
awk 'BEGIN { for (i = 0; i < 200000; i++) printf "%07d\tthe value of number %d\n", i, i }' >big.tsv
strata --stage "$newest" load big big.tsv 2>/dev/null
for _ in $(seq 20); do # on a busy machine it may be done before it is killed
    rm -rf killed
    strata migrate big killed --to "$newest" 2>/dev/null &
    wait_until test -s killed/STRATA
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    killed=$?
    [ $killed -eq 137 ] && break
done
is migrate_was_killed_in_the_middle $killed 137
incomplete killed killed
if (ulimit -f 64) 2>/dev/null; then
    run bash -c 'trap "" XFSZ; ulimit -f 64; strata migrate big nospace --to '"$newest"
    is migrate_disk_full_is_4 "$rc" 4
    like migrate_disk_full_says_what_to_do "$err" 'nospace is incomplete and of no use: remove it'
    incomplete disk_full nospace
else
    skip migrate_disk_full "no ulimit -f"
fi
rm -r killed
code migrate_after_removing_it 0 strata migrate big killed --to "$newest"
same migrate_again_holds_all <(strata dump killed) <(strata dump big)

if command -v script >/dev/null; then
    # of more than a moment's work
    awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "%07d\tthe value of number %d\n", i, i }' |
        strata --stage "$newest" load vast - 2>/dev/null
    script -qec "stty cols 100; strata migrate vast seen --to $newest" /dev/null </dev/null >"$work/out" 2>&1
    shown=$(tr '\r' '\n' <"$work/out")
    like migrate_on_a_terminal_shows_progress "$shown" '^migrate  [0-9.]+ [kM]?B  [0-9.]+ [kMG]?B/s  [0-9]+ records/s'
    like migrate_bar_is_gone_before_the_summary "$shown" $'^\033\\[Kmigrated 1000000 records'
else
    skip migrate_on_a_terminal "no script(1)"
fi

# ---- Times ----
printf '{"key":"a","value":"1","until":99999999999999}\n{"key":"b","value":"2"}\n' >timed.jsonl
printf '{"key":"gone","value":"1","until":1}\n' | cat timed.jsonl - | strata load timed - --format jsonl --stage 13 2>/dev/null
code migrate_keeps_times 0 strata migrate timed timed13 --to 13
same migrate_keeps_times_as_they_are <(strata dump timed13 --format jsonl) timed.jsonl
fails migrate_to_where_nothing_expires_is_5 5 '^strata: migrate: not supported: 09_fast_paths has no values that expire' strata migrate timed timed9 --to 9
strata del timed a
code migrate_leaves_out_what_has_expired 0 strata migrate timed timed11 --to 11
prints migrate_leaves_out_the_rest_of_it_too $'b\t2' strata dump timed11

# ---- compact ----
fails compact_where_there_is_none_is_5 5 '^strata: compact: not supported: 01_append_log has no compaction$' strata compact src1
fails compact_of_nothing_is_7 7 'no database: nowhere' strata compact nowhere
able=$(strata stages | awk '/^stage/ { stage = $2 } $1 == "compact" { print stage }')
for stage in $able; do
    for _ in 1 2 3 4 5; do sed 's/value/another value/' in.tsv | strata --stage "$stage" load "fat$stage" - 2>/dev/null; done
    strata dump "fat$stage" >before.tsv
    run strata compact "fat$stage"
    like "compact_stage_${stage}_tells_the_sizes" "$rc $out" "^0 fat$stage: [0-9]+ bytes, [0-9]+ before\$"
    is "compact_stage_${stage}_gives_space_back" "$(set -- $out; echo $(($2 < $4)))" 1
    same "compact_stage_${stage}_loses_nothing" <(strata dump "fat$stage") before.tsv
    prints "compact_stage_${stage}_leaves_no_damage" "fat$stage: no damage" strata verify "fat$stage"
done
# Of a range: at the newest stage what lies elsewhere stays as it is.
strata dump "fat$newest" | sed 's/value/third value/' | strata load "fat$newest" - 2>/dev/null
strata dump "fat$newest" >before.tsv
first=$(head -1 before.tsv | cut -f1)
run strata compact "fat$newest" '' "$first"
like compact_of_a_range_tells_the_sizes "$rc $out" "^0 fat$newest: [0-9]+ bytes, [0-9]+ before\$"
last_two="$(strata scan "fat$newest" --reverse --limit 2 --keys-only)"
run strata compact "fat$newest" "$(tail -1 <<<"$last_two")"
same compact_of_a_range_loses_nothing <(strata dump "fat$newest") before.tsv
run strata compact "fat$newest" b a
is compact_of_no_keys_is_fine "$rc$err" 0
fails compact_with_a_bad_key 2 '^strata: compact: TO: column 2: no such escape' strata compact "fat$newest" a 'a\q'
fails compact_with_bad_hex 2 '^strata: compact: FROM: ' strata compact --hex "fat$newest" 6x
fails compact_with_too_many_keys 2 'one argument too many' strata compact "fat$newest" a b c
[ -n "$able" ] || skip compact "no stage of this build promises it"
done_testing
