#!/bin/bash
# Workloads of `strata crash` as text: each wrong line is told with its number; what is printed of a
# violation is read again and shows it again.
. "$(dirname "$0")/tap.bash"

crash() { strata crash --depth quick "$@"; }

# ---- What is refused ----
wrong() { # NAME NUMBER WHY TEXT
    printf '%b' "$4" >bad
    fails "workload_$1" 2 "bad:$2: $3" crash --stage 3 --workload bad
}
wrong bad_escape_in_a_key 1 'no such escape' 'put \\q 1\n'
wrong batch_twice 2 'batch begin, puts and dels, batch commit' 'batch begin\nbatch begin\n'
wrong batch_of_nothing 2 'batch begin, puts and dels, batch commit' 'batch begin\nbatch commit\n'
wrong batch_commit_alone 1 'batch begin, puts and dels, batch commit' 'batch commit\n'
wrong batch_of_another_word 1 'batch begin, puts and dels, batch commit' 'batch drop\n'
wrong batch_without_a_word 1 'no step of a workload' 'batch\n'
wrong batch_with_two_words 1 'no step of a workload' 'batch begin now\n'
wrong step_in_a_batch 3 'in a batch there are only put and del' 'batch begin\nput a 1\nsync\n'
wrong unsynced_after_a_step 2 'no step of a workload' 'sync\nunsynced\n'
wrong zero_byte 2 'a NUL byte' 'put a 1\nput b \00002\n'
{ head -c 17000000 /dev/zero | tr '\0' x; } >bad
fails workload_line_too_long 2 'bad:1: the line is too long' crash --stage 3 --workload bad
fails workload_directory_is_4 4 '^strata: crash: \.: Is a directory' crash --stage 3 --workload .
fails workload_closed_stdin_is_4 4 '^strata: crash: -: Bad file descriptor' \
    bash -c 'strata crash --depth quick --stage 3 --workload - <&-'
rm bad

# ---- Every step ----
cat >steps <<'.'
unsynced

# twice is once
unsynced
put a 1
hold
flush
compact
release
batch begin
put b 2
del a
batch commit
read
reopen
sync
.
run crash --stage 3 --model posix --workload steps
like workload_of_every_step_runs "$rc $(tail -1 <<<"$out")" '^0 crash: .* violations=0$'
like workload_of_every_step_has_a_batch "$out" '^batch +[1-9]'

# ---- What is printed is read again ----
# Stage 2 promises no power cut: nothing of it is safe.
cat >lost <<'.'
put before '1'
del before
put 'it\x27s\t"a key"\x00' 'it\x27s\\a\nvalue\xff'
reopen
.
run crash --stage 2 --model posix --workload lost
is workload_that_loses_ends_with_0 "$rc" 0
sed -n '/^lost, /,$p' <<<"$out" | sed -n '/^strata crash/,/^END$/p' >again.sh
like workload_printed_has_its_quotes "$(cat again.sh)" "^put '[^']*' '.*'\$"
run sh ./again.sh
like workload_printed_shows_it_again "$rc $out" '^0 state [0-9.]+, lost: '
printf 'put a 1\n' >short
run crash --stage 2 --model posix --workload short
command=$(sed -n '/^lost, /,$p' <<<"$out" | grep '^strata crash')
like workload_that_is_short_already_is_named "$command" ' --workload short$'
run sh -c "$command"
like workload_named_shows_it_again "$rc $out" '^0 state [0-9.]+, lost: '
done_testing
