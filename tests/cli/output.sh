#!/bin/bash
# What happens when what is printed cannot be: a full disk, a reader that went away, a stream that
# was closed before the program began.
. "$(dirname "$0")/tap.bash"
awk 'BEGIN { for (i = 0; i < 30000; i++) printf "%06d\tvalue %d\n", i, i }' >in.tsv
strata --stage 1 load db in.tsv 2>/dev/null

if [ -w /dev/full ]; then
    for command in "get db 000001" "scan db --limit 1" "scan db" "scan db --keys-only" "dump db" "dump db --format csv --header" "stats db" "stats db --json" \
        "verify db" "inspect db/STRATA" stages version help "help --all"; do
        fails "full_${command// /_}_is_4" 4 'standard output: No space left' bash -c "strata $command >/dev/full"
    done
    ln -s /dev/full full.tsv
    fails full_dump_into_a_device_is_4 4 '^strata: dump: full.tsv: No space left' strata dump db full.tsv
    is full_dump_leaves_the_device "$(readlink full.tsv)" /dev/full
else
    skip full_device "no /dev/full"
fi

if (ulimit -f 64) 2>/dev/null; then
    fails full_file_is_4 4 '^strata: dump: limited.tsv: File too large$' bash -c \
        'trap "" XFSZ; ulimit -f 64; strata dump db limited.tsv'
    is full_file_is_told_once "$(grep -c . <<<"$err")" 1
    is full_file_is_removed "$(ls limited.tsv* 2>&1 | grep -c 'No such')" 1
    { (ulimit -f 64; exec strata dump db killed.tsv); } 2>/dev/null
    is killed_dump_has_the_status_of_the_signal $? 153
    is killed_dump_is_not_taken_for_a_whole "$(ls killed.tsv* | sed 's/[0-9][0-9]*/N/')" killed.tsv.N.tmp
    code killed_dump_does_not_hinder_the_next 0 strata dump db killed.tsv
    same next_dump_is_whole killed.tsv in.tsv
else
    skip full_file "no ulimit -f"
fi

# ---- A file gets its name when it is whole ----
dump_dies() { # SIGNAL: while a file is written
    strata datagen -n 1000000000 "$1.tsv" 2>/dev/null &
    wait_until eval "ls $1.tsv.*.tmp"
    is "dump_under_way_has_another_name_$1" "$(ls "$1.tsv" 2>&1 | grep -c 'No such')" 1
    kill "-$1" $!
    wait $! 2>/dev/null
    status=$?
}
for signal in INT:130 TERM:143 HUP:129; do
    if [ $signal = INT:130 ]; then # a shell without job control starts what is behind & with it ignored
        set -m
    fi
    dump_dies ${signal%:*}
    set +m
    is "dump_ended_by_${signal%:*}_says_so" $status ${signal#*:}
    is "dump_ended_by_${signal%:*}_leaves_nothing" "$(ls ${signal%:*}.tsv* 2>/dev/null)" ""
done
# In a script of the shell, behind a command that showed its progress on a terminal.
if command -v script >/dev/null; then
    seq 100000 | sed 's/$/\tvalue/' >lines.tsv
    { echo 'load lines.tsv'; seq -f 'dump in_a_shell.%g' 500; } >dumps
    touch pid
    script -qec 'exec sh -c "echo \$\$ >pid; exec strata shell --create scripted <dumps >said"' /dev/null </dev/null >/dev/null 2>&1 &
    wait_until eval 'ls in_a_shell.*.tmp'
    kill -TERM "$(cat pid)"
    wait $! 2>/dev/null
    is dump_of_a_script_is_ended_by_a_signal "$(ls in_a_shell.500 2>&1 | grep -c 'No such')" 1
    is dump_of_a_script_leaves_nothing_half "$(ls in_a_shell.*.tmp 2>/dev/null)" ""
else
    skip dump_of_a_script "no script"
fi
dump_dies KILL
is dump_killed_leaves_another_name "$(ls KILL.tsv* | sed 's/[0-9][0-9]*/N/')" KILL.tsv.N.tmp
rm KILL.tsv.*
echo mine >there.tsv
fails dump_over_a_file_is_4 4 'strata: dump: there.tsv: File exists' strata dump db there.tsv
ln -s nowhere dangling.tsv
fails dump_over_a_link_to_nothing_is_4 4 'dangling.tsv: File exists' strata dump db dangling.tsv
fails dump_over_a_directory_is_4 4 'db: File exists' strata dump db db
fails dump_into_no_directory_is_4 4 'no/where.tsv: No such file' strata dump db no/where.tsv
cp -r db broken && flip broken/000001.log 500000
fails dump_of_damage_is_3 3 'corrupt' strata dump broken broken.tsv
is dump_that_failed_touches_nothing "$(cat there.tsv) $(ls broken.tsv* dangling.tsv.* there.tsv.* 2>/dev/null)" "mine "
long=$(printf '%0255d' 0)
code dump_into_the_longest_name 0 strata dump db "$long"
same dump_into_the_longest_name_is_whole "$long" in.tsv
(umask 027; strata dump db modes.tsv)
is dump_has_the_mode_of_a_new_file "$(stat -c %a modes.tsv)" 640

# ---- What is no file is written to as it is ----
code dump_to_dev_null 0 strata dump db /dev/null
is dump_to_dev_null_keeps_it "$(stat -c %F /dev/null)" 'character special file'
strata dump db /dev/stdout | cmp - in.tsv
is dump_to_dev_stdout_is_a_pipe "${PIPESTATUS[*]}" "0 0"
strata dump db /dev/stdout >redirected.tsv
same dump_to_dev_stdout_that_is_a_file redirected.tsv in.tsv
strata dump db --format tsv >(cat >substituted.tsv)
wait_until cmp substituted.tsv in.tsv
is dump_to_a_process $? 0
mkfifo fifo
cat fifo >from_fifo.tsv &
code dump_to_a_fifo 0 strata dump db fifo
wait $!
same dump_to_a_fifo_is_whole from_fifo.tsv in.tsv
is dump_to_a_fifo_keeps_it "$(stat -c %F fifo) $(ls fifo.* 2>/dev/null)" 'fifo '

for command in "dump db" "scan db" "inspect db/000001.log"; do
    run bash -c "strata $command | head -1 >/dev/null; exit \${PIPESTATUS[0]}"
    is "closed_pipe_${command%% *}_is_quiet" "$err" ""
    is "closed_pipe_${command%% *}_ends_as_by_sigpipe" "$rc" 141
    run bash -c "trap '' PIPE; strata $command | head -1 >/dev/null; exit \${PIPESTATUS[0]}"
    is "closed_pipe_ignored_${command%% *}_is_quiet" "$err" ""
    is "closed_pipe_ignored_${command%% *}_ends_as_by_sigpipe" "$rc" 141
done

# A load whose messages nobody reads goes on to its end.
run bash -c '(sleep 0.3; cat in.tsv; echo oops) | strata load unheard - 2> >(exec true)'
is load_with_a_closed_pipe_for_messages_goes_on "$(strata scan unheard | wc -l)" 30000

# A closed stream: the data file must not get its number.
before=$(od -An -tx1 db/000001.log | cksum)
code closed_stdout_is_4 4 bash -c 'strata scan db >&-'
code closed_stdout_with_nothing_to_say_is_0 0 bash -c 'strata put db k v >&-'
strata del db k
code closed_stdin_load_is_4 4 bash -c 'strata load db - <&-'
cp -r db torn
truncate -s -1 torn/000001.log
size=$(stat -c %s torn/000001.log)
code closed_stderr_scan 0 bash -c 'strata scan torn --limit 1 2>&-'
is closed_stderr_read_changes_nothing "$(stat -c %s torn/000001.log)" "$size"
bash -c 'strata put torn k v 2>&- >&- <&-'
prints closed_streams_put_is_whole "torn: no damage" strata verify torn
prints closed_streams_put_is_there v strata get torn k
prints closed_streams_others_are_there 'value 7' strata get torn 000007
done_testing
