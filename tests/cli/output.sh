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
    fails full_dump_into_what_is_there 4 'File exists' strata dump db full.tsv
else
    skip full_device "no /dev/full"
fi

if (ulimit -f 64) 2>/dev/null; then
    fails full_file_is_4 4 '^strata: dump: limited.tsv: File too large$' bash -c \
        'trap "" XFSZ; ulimit -f 64; strata dump db limited.tsv'
    is full_file_is_told_once "$(grep -c . <<<"$err")" 1
    is full_file_is_removed "$(ls limited.tsv 2>&1 | grep -c 'No such')" 1
else
    skip full_file "no ulimit -f"
fi

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
