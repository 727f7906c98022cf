#!/bin/bash
# backup: a database as it is now, from every stage, from the command line and from the shell; what was
# cut short is never taken for a whole one.
. "$(dirname "$0")/tap.bash"
stages=$(strata stages | awk '/^stage/ { print $2 }')
newest=$(echo "$stages" | tail -1)
{ seq 3000 | sed 's/.*/k&\tvalue &/'; printf '\tthe empty key\nempty\t\na\\x00\\xff\\n\t\\t\\\\\n'; } >in.tsv
files() { (cd "$1" && find . -type f -exec cksum {} + | sort); }

for stage in $stages; do
    db=db$stage copy=copy$stage
    strata --stage "$stage" load "$db" in.tsv 2>/dev/null
    strata del "$db" k77
    strata put "$db" k78 later
    strata dump "$db" >before.tsv
    run strata backup "$db" "$copy"
    is "backup_of_stage_${stage}_says_nothing" "$rc$out$err" 0
    strata put "$db" k79 changed
    same "backup_of_stage_${stage}_holds_what_was_there" <(strata dump "$copy") before.tsv
    prints "backup_of_stage_${stage}_has_no_damage" "$copy: no damage" strata verify "$copy"
    like "backup_of_stage_${stage}_is_of_that_stage" "$(strata stats "$copy" | head -1)" "^stage +$stage "
    before=$(files "$copy")
    code "restore_of_stage_${stage}" 0 strata backup "$copy" "again$stage"
    same "restored_stage_${stage}_holds_it" <(strata dump "again$stage") before.tsv
    is "backup_of_stage_${stage}_leaves_the_source_untouched" "$(files "$copy")" "$before"
    for _ in 1 2 3; do strata load "$db" in.tsv 2>/dev/null; done
    strata compact "$db" >"$work/out" 2>&1
    same "backup_of_stage_${stage}_stays_as_it_was" <(strata dump "$copy") before.tsv
    code "backup_of_stage_${stage}_takes_a_write" 0 strata put "$copy" new value
done

db=db$newest
printf 'put one 1\nbackup meanwhile\nput two 2\n' | strata shell "$db" >"$work/out" 2>&1
prints backup_in_the_shell_has_what_was_put 1 strata get meanwhile one
code backup_in_the_shell_has_nothing_later 1 strata get meanwhile two

# ---- What it refuses ----
fails backup_without_a_place_is_2 2 'COPY' strata backup "$db"
fails backup_of_nothing_is_7 7 'no database: nowhere' strata backup nowhere x
fails backup_to_a_database_is_7 7 'already there: copy1' strata backup "$db" copy1
fails backup_into_the_source_is_2 2 'lies in' strata backup "$db" "./$db/inside"
fails backup_onto_the_source_is_2 2 'lies in' strata backup "$db" "$PWD/$db"
fails backup_missing_parent_is_4 4 'No such file' strata backup "$db" no/where
mkdir full empty
echo mine >full/notes.txt
fails backup_to_what_is_not_empty_is_7 7 'not empty' strata backup "$db" full
is backup_left_what_was_there "$(ls full)" notes.txt
code backup_into_an_empty_directory 0 strata backup "$db" empty

# ---- Cut short ----
cp -r db1 damaged
flip "$(ls damaged/*.log)" 40000
fails backup_of_damage_is_3 3 'corrupt: damaged/' strata backup damaged half
fails backup_of_damage_makes_no_database 7 "no database: half" strata get half k1
if (ulimit -f 64) 2>/dev/null; then
    awk 'BEGIN { for (i = 0; i < 20000; i++) printf "%07d\tthe value of number %d\n", i, i }' >big.tsv
    strata --stage 1 load big big.tsv 2>/dev/null
    run bash -c 'trap "" XFSZ; ulimit -f 64; strata backup big nospace'
    like backup_disk_full_names_the_file "$rc $err" '^4 .*nospace/'
    fails backup_disk_full_is_no_database 7 'it is incomplete: a copy into it was cut short' strata get nospace 0000001
    fails backup_again_says_what_to_do 7 'remove the directory, and copy again' strata backup big nospace
    rm -r nospace
    code backup_after_removing_it 0 strata backup big nospace
    same backup_again_holds_all <(strata dump nospace) <(strata dump big)
else
    skip backup_disk_full "no ulimit -f"
fi
done_testing
