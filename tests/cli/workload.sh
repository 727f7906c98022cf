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
synced
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
put 'it\x27s\t"a key"\x00' 'it\x27s\\a\nvalue\xff'
put 'it\x27s\t"a key"\x01' 'it\x27s\\a\nvalue\xfe'
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
printf 'put a 1\nput b 2\n' >seeded
run strata crash --depth full --stage 1 --model posix --workload seeded
like workload_at_full_depth_says_so_in_its_command "$(grep '^strata crash' <<<"$out" | head -1)" ' --depth full '
run crash --stage 1 --model posix --workload mixed --seed 7
like workload_that_was_drawn_is_shrunk "$(sed -n '/^lost, /,$p' <<<"$out" | grep '^strata crash')" " --workload - <<'END'\$"

# ---- All of them ----
run strata crash --stage 1 --sites
is workloads_together_come_by_every_call_site "$rc $(tail -1 <<<"$out")" "0 $(tail -1 <<<"$out" | sed 's/, .*/, 0 of them never crashed at/')"
like workloads_together_come_by_call_sites "$out" '^ +[0-9]+  stages/01_append_log/record.c:[0-9]+ +fs_read_at in '
is workloads_together_leave_out_other_stages "$(grep -c '  stages/0[2-9]' <<<"$out")" 0
run strata crash --stage 1 --model kill --workload short
is workload_alone_tells_no_call_sites "$rc $(grep -c '^sites' <<<"$out")" "0 0"

# ---- One state, kept ----
run crash --stage 3 --model posix --workload short --at 20.0+3.0 --keep kept
like workload_state_of_a_second_crash_is_kept "$rc $out $(ls kept)" '^0 state 20.0\+3.0, fine'
is workload_kept_state_is_a_directory "$(echo $(ls kept))" "db workload"
rm -r kept
for ((n = 5; n < 200; n++)); do
    before=$out
    run crash --stage 1 --model posix --workload nothing --at $n.0
    [ $rc -eq 0 ] || break
done
like workload_last_state_is_after_all "$before" "^  cut       at call $((n - 1)), after all \(close\)\$"
fails workload_of_a_state_needs_its_workload 2 'wants --model and --workload' crash --stage 3 --model posix --at 1.0
done_testing
