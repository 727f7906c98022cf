#!/bin/bash
# repair: what it says, how it ends, and what is left of a database that lost CURRENT, its manifest, a
# block of a table, a table, or a part of its log.
. "$(dirname "$0")/tap.bash"

awk 'BEGIN { for (i = 0; i < 20000; i++) printf "k%07d\tthe value of number %d\n", i, i }' >in.tsv
strata load --batch 1000 db in.tsv 2>/dev/null
strata compact db >/dev/null
strata del db k0000007
strata dump db >all.tsv
files() { (cd "$1" && find . -type f -exec cksum {} + | sort); }
only() { find "$1" -maxdepth 1 -name "*$2" | sort | head -1; }

# ---- Healthy ----
before=$(files db)
run strata repair db
is repair_healthy "$rc $(tail -1 <<<"$out")" '0 db: healthy, nothing was changed'
like repair_healthy_lists_its_files "$out" '^[0-9]{6}\.table +kept'
is repair_healthy_is_not_touched "$(files db)" "$before"

# ---- Without CURRENT ----
cp -r db a && rm a/CURRENT
fails repair_is_needed 3 'CURRENT: it is missing' strata get a k0000001
before=$(files a)
run strata repair --dry-run a
is repair_dry_run "$rc $(tail -1 <<<"$out")" '0 a: to be repaired, and nothing is lost'
is repair_dry_run_writes_nothing "$(files a)" "$before"
dry=$out
run strata repair a
is repair_without_current "$rc $(tail -1 <<<"$out")" '0 a: repaired, and nothing is lost'
is repair_told_the_same_before "$(head -n -1 <<<"$dry")" "$(head -n -1 <<<"$out")"
same repair_without_current_has_all <(strata dump a) all.tsv
is repair_keeps_the_old_manifest "$(basename "$(only db .manifest)")" "$(ls a/lost)"
prints repaired_has_no_damage 'a: no damage' strata verify a

# ---- Without a manifest ----
cp -r db b && rm b/*.manifest
run strata repair b
same repair_without_a_manifest_has_all <(strata dump b) all.tsv
like repair_without_a_manifest_says_so "$out" '^CURRENT +made'

# ---- A damaged block ----
cp -r db c
table=$(only c .table)
flip "$table" 30000
fails repair_damage_is_there 3 'check' strata verify c
fails repair_damage_ends_a_scan 3 'check' strata scan c
fails repair_damage_ends_a_count 3 'check' strata count c --from k0000000
run strata repair c
is repair_with_a_loss_is_9 "$rc $(tail -1 <<<"$out")" '9 c: repaired, and something is lost'
like repair_names_the_keys "$out" '^[0-9]+\.table +keys from "k[0-9]{7}" to "k[0-9]{7}" may be missing, or older$'
like repair_counts "$out" '^tables: [0-9]+ kept, 1 salvaged, 0 lost, [0-9]+ not used$'
like repair_counts_records "$out" '[0-9]+ of [0-9]+ records read$'
from=$(grep 'keys from' <<<"$out" | cut -d'"' -f2) to=$(grep 'keys from' <<<"$out" | cut -d'"' -f4)
prints repaired_block_has_no_damage 'c: no damage' strata verify c
left=$(strata count c) all=$(strata count db)
is repair_loses_one_block "$((left > all - 400 && left < all))" 1
is repair_makes_up_nothing "$(strata dump c | comm -13 all.tsv - | wc -l)" 0
is repair_reports_every_key_that_is_gone \
    "$(strata dump c | comm -23 all.tsv - | cut -f1 | awk -v from="$from" -v to="$to" '$1 < from || $1 > to' | wc -l)" 0
is repair_keeps_what_was_damaged "$(ls c/lost | grep -c "$(basename "$table")")" 1
code repair_again_is_healthy 0 strata repair c
code repaired_takes_a_write 0 strata put c new value

# ---- A table that is gone; a log ----
cp -r db d && rm "$(only d .table)"
run strata repair d
like repair_without_a_table "$rc $out" 'lost +the file is missing'
is repair_without_a_table_is_9 $rc 9
cp -r db e && rm "$(only e .log)"
run strata repair e
like repair_without_a_log "$rc $out" 'missing: operations from [0-9]+ on'

# ---- Long keys; and what nobody knows any more ----
awk 'BEGIN { for (i = 0; i < 600; i++) printf "%0100d\tvalue %d\n", i, i }' >long.tsv
strata load --batch 100 long long.tsv 2>/dev/null
strata compact long >/dev/null
cp -r long f
flip "$(only f .table)" 60
run strata repair f
like repair_shows_the_beginning_of_a_long_key "$out" '^[0-9]+\.table +keys from "0{40}\.\.\." to "0{40}\.\.\." may be missing, or older$'
cp -r long g && rm g/*.manifest
truncate -s 0 "$(only g .table)" && truncate -s 5000 "$(only g .table)"
run strata repair g
like repair_of_zeros_knows_no_keys "$rc $out" '^[0-9]+\.table +keys of an unknown range may be missing, or older$'
like repair_of_zeros_knows_how_many_operations "$out" '^missing: operations between 1 and 600, unless they are of deleted keys$'
like repair_without_order_says_so "$out" '^the live tables were found without a manifest: deleted keys may be back$'

# Deleted keys leave nothing in the tables: without a manifest they look like lost operations.
strata put h key value >/dev/null && strata del h key >/dev/null && strata compact h >/dev/null
rm h/*.manifest
run strata repair h
like repair_without_order_does_not_take_deletes_for_lost "$out" '^missing: operations between 1 and 2, unless they are of deleted keys$'

# ---- The marker, at every stage ----
for stage in $(strata stages | awk '/^stage/ { print $2 }'); do
    m=marker$stage
    strata --stage "$stage" load "$m" in.tsv 2>/dev/null
    rm "$m/STRATA"
    fails "marker_of_stage_${stage}_is_missing" 3 "\`strata repair --stage ($stage DIR\` |N DIR\`, of the stage that made it .*\<$stage\>.*,? )makes one" strata get "$m" k0000001
    fails "marker_of_stage_${stage}_is_not_guessed" 3 'is missing beside data' strata repair "$m"
    fails "marker_of_stage_${stage}_is_of_no_other" 7 'wrong stage: .* is a file of ' strata repair --stage $((stage % 6 + 1)) "$m"
    run strata repair --dry-run --stage "$stage" "$m"
    is "marker_of_stage_${stage}_is_to_be_made" "$rc $(head -1 <<<"$out") $(ls "$m" | grep -c STRATA)" \
        "0 STRATA            made      it was missing or damaged 0"
    code "marker_of_stage_${stage}_is_made" 0 strata repair --stage "$stage" "$m"
    prints "marker_of_stage_${stage}_was_all_that_was_missing" "$m: no damage" strata verify "$m"
done
run strata repair --stage 2 marker2
is marker_that_is_whole_is_no_repair $rc 5
flip marker3/STRATA 20
run strata repair --stage 3 marker3
is marker_repair_says_what_is_next "$rc $(tail -1 <<<"$out")" '0 marker3: the marker is new; strata verify checks the rest'
is marker_that_was_damaged_is_kept "$(ls marker3/lost)" STRATA

# ---- What it refuses ----
strata put --stage 5 old k v
fails repair_of_stage_5_is_5 5 'has no repair' strata repair old
fails repair_of_nothing_is_7 7 'no database: nowhere' strata repair nowhere
fails repair_without_dir_is_2 2 'DIR is missing' strata repair
strata shell db >/dev/null 2>&1 <<<'repair' && rc=0 || rc=$?
is repair_is_not_in_the_shell "$((rc != 0))" 1
done_testing
