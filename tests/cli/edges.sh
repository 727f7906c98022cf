#!/bin/bash
# What seldom happens to a command: a disk that fills in the middle of an answer, damage met in the
# middle of a scan, a directory where a file is meant.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.bash"

# ---- The answer does not fit --------------------------------------------------------------
# More than is buffered, so that the write fails while there is more to say.
awk 'BEGIN { for (i = 0; i < 9000; i++) printf "a key of some bytes %06d\tvalue %d\n", i, i }' >in.tsv
strata --stage 1 load db in.tsv 2>/dev/null
head -c 200000 /dev/zero | tr '\0' v | sed 's/^/big\t/' >big.tsv && echo >>big.tsv
strata --stage 1 load big big.tsv 2>/dev/null
if [ -w /dev/full ]; then
    for command in "get big big" "scan db" "scan db --keys-only" "dump db" "dump db --format csv --header" \
        "dump db --format jsonl" "inspect db/000001.log" "datagen --count 5000"; do
        fails "full_in_the_middle_of_${command%% *}" 4 'standard output: (No space left|Input/output)' \
            bash -c "strata $command >/dev/full"
    done
    # As many bytes as no number holds: the total is not known, and the end is the disk's.
    fails full_datagen_without_a_total 4 'No space left' \
        bash -c 'strata datagen --count 1000000000000000 --value-size 100000 >/dev/full'
else
    skip full_device "no /dev/full"
fi
for command in "dump db out.tsv" "dump db out.tsv --format csv --header" "datagen --count 9000 out.tsv"; do
    fails "file_at_its_limit_${command%% *}" 4 'out\.tsv: File too large' \
        bash -c "trap '' XFSZ; ulimit -f 40; strata $command"
    is "file_at_its_limit_${command%% *}_is_removed" "$(ls out.tsv 2>/dev/null)" ""
done
prints datagen_of_empty_records '' bash -c 'strata datagen --count 1 --keys 1 --key-size 0 --value-size 0 | tr -d "\t\n"'

# ---- Damage that only a read meets ---------------------------------------------------------
strata --stage 2 load two in.tsv 2>/dev/null
strata --stage 2 compact two >/dev/null
log=$(ls two/*.log | head -1)
flip "$log" 3000
fails damage_in_the_middle_of_scan 3 "$log" strata scan two
fails damage_in_the_middle_of_dump 3 "$log" strata dump two out.tsv
is damage_in_the_middle_of_dump_leaves_no_file "$(ls out.tsv 2>/dev/null)" ""
fails damage_in_the_middle_of_verify 3 "$log" strata verify two

# ---- Without a lock -------------------------------------------------------------------------
cp -r db unlocked
rm unlocked/LOCK
prints database_without_a_lock_file_is_read "$(strata scan db --limit 1)" strata scan unlocked --limit 1
is database_without_a_lock_file_is_no_warning "$err" ""

# ---- A directory where a file is meant -----------------------------------------------------
fails inspect_directory_names_its_files 2 'db is a directory: name one of its files.* 000001\.log' strata inspect db
mkdir many nothing
for i in $(seq 100 140); do : >"many/000$i.log"; done
fails inspect_directory_of_many_names_some 2 'is a directory: name one of its files: 000100\.log.*\.\.\.;' strata inspect many
fails inspect_directory_of_none 2 'nothing is a directory: name one of its files;' strata inspect nothing
mkdir other && : >other/notes.txt
fails inspect_directory_of_other_things 2 'other is a directory: name one of its files;' strata inspect other
fails load_directory_is_4 4 'Is a directory' strata load new many
: >empty
fails inspect_empty_file_of_no_format 3 'no file of Strata' strata inspect empty

# ---- The command line ------------------------------------------------------------------------
fails datagen_bad_count_is_told_first 2 '--count' strata datagen --count x --distribution y
fails migrate_into_itself 2 'lies in db' strata migrate db db/inside --to 1
code migrate_beside_a_name_that_begins_alike 0 strata migrate db db-too --to 1
fails migrate_of_nothing 7 'no database' strata migrate nowhere new --to 1
fails migrate_to_where_there_is_none 4 'no/such' strata migrate db no/such/place --to 1
fails load_batch_where_there_is_none 5 'has no atomic batch' strata load db in.tsv --batch 7
fails load_batch_of_a_stage_that_is_not 2 '--stage' strata load new in.tsv --batch 7 --stage 99

# ---- The shell ---------------------------------------------------------------------------------
printf 'get --version\n--version\n' >lines
fails shell_has_no_version 2 'line 2: a command is missing' bash -c 'strata shell db <lines'
printf 'get big\nquit\n' >lines
like shell_quit_is_not_timed "$(strata shell big --timing on <lines 2>&1 >/dev/null)" '^\([0-9.]+ m?s\)$'
done_testing
