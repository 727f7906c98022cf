#!/bin/bash
# The shell: commands from lines, piped in and typed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.bash"

# sh_is NAME RC STDOUT [STDERR-REGEX] ; the lines come on stdin
sh_is() {
    strata shell db >"$work/out" 2>"$work/err"
    rc=$? out=$(cat "$work/out") err=$(cat "$work/err")
    if [ $rc -eq "$2" ] && [ "$out" = "$3" ] && { [ -z "${4:-}" ] && [ -z "$err" ] || printf '%s' "$err" | grep -qE -- "${4:-^$}"; }; then
        pass "$1"
    else
        fail "$1" "ended with $rc and printed:" "$out" "$err" "wanted $2 and:" "$3" "${4:-}"
    fi
}
shopt -s lastpipe

# ---- Opening ----
fails shell_of_nothing_is_7 7 '^strata: shell: no database: db: there is no such directory' strata shell db
code shell_create_makes_one 0 strata shell db --create --stage 1
is shell_prints_nothing_of_its_own "$out$err" ""
code shell_create_opens_what_is_there 0 strata shell db --create

# ---- Commands ----
printf 'put fruit apple\nget fruit\nput fruit pear\nget fruit\ndel fruit\nget fruit\n' |
    sh_is shell_put_get_del 1 $'apple\npear' '^strata: shell: line 6: get: no such key: fruit$'
printf 'put a 1\nput b 2\nput b2 3\nput c 4' | sh_is shell_last_line_without_newline 0 ""
printf 'scan\nscan --prefix b --reverse --limit 1\nscan --keys-only --hex --from 63\n' |
    sh_is shell_scan_takes_options 0 $'a\t1\nb\t2\nb2\t3\nc\t4\nb2\t3\n63'
printf 'count\ncount --prefix b\ncount --from b --to c\ncount --from z\n' | sh_is shell_count 0 $'4\n2\n2\n0'
printf 'verify\n' | sh_is shell_verify 0 "db: no damage"
printf 'scan' | sh_is shell_sees_what_an_earlier_one_stored 0 $'a\t1\nb\t2\nb2\t3\nc\t4'
printf '\n   \n\t\n# a comment\n  # another\nget a\r\n' | sh_is shell_blank_lines_and_comments 0 1
printf 'get a\nquit\nget b\n' | sh_is shell_quit_ends_it 0 1
printf '' | sh_is shell_no_lines 0 ""
printf 'help\n' | strata shell db >"$work/out" 2>&1
like shell_help_lists_commands "$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$work/out" | tr '\n' ' ')" \
    '^put get del delrange merge scan count load dump backup compact info stats levels verify batch snapshot begin commit rollback savepoint timing help quit $'
printf 'help scan\nget --help\nhelp datagen\nhelp batch --all\n' | strata shell db >"$work/out" 2>&1
like shell_help_of_a_command "$(cat "$work/out")" '^usage: scan \[OPTION\]'
like shell_help_as_an_option "$(cat "$work/out")" '^usage: get KEY\.\.\. \[OPTION\]'
is shell_help_has_no_option_of_opening "$(grep -c -- --stage "$work/out")" 0
like shell_has_no_datagen "$(cat "$work/out")" 'line 3: help: there is no command "datagen"; see `help`'
like shell_help_takes_no_all "$(cat "$work/out")" 'line 4: help: --all is no option of this command'
echo help | strata shell db | sed -n 's/^  \([a-z]*\) .*/help \1/p' >"$work/commands"
strata shell db <"$work/commands" >"$work/out" 2>&1
like shell_help_has_every_command "$(grep -c '^usage' "$work/out")" '^2[0-9]$'
is shell_help_speaks_of_no_directory "$(grep -cw DIR "$work/out")" 0
like shell_help_of_get_tells_of_batches "$(echo 'help get' | strata shell db)" 'nor any other command sees'

printf 'get a\nexit\nget b\n' | sh_is shell_exit_is_quit 0 1
printf '.quit\nget b\n' | sh_is shell_dot_quit_is_quit 0 ""
like shell_question_mark_is_help "$(echo '?' | strata shell db)" '^  scan  '
like shell_question_mark_is_help_of_a_command "$(echo '? scan' | strata shell db)" '^usage: scan '
printf 'lod x\nexti\nget a\n' | sh_is shell_says_what_may_be_meant 2 1 '^strata: shell: line 1: there is no command "lod" \(did you mean load\?\); see `help`$'
printf 'migrat\n' | sh_is shell_means_only_its_own_commands 2 "" '^strata: shell: line 1: there is no command "migrat"; see `help`$'
printf 'dumped\t1\nwords\t2\n' >more.tsv
printf 'load more.tsv\nget words\ndump all.csv --prefix dump\ndump --to b --format jsonl\n' |
    sh_is shell_load_and_dump 0 $'2\n{"key":"a","value":"1"}' '^loaded 2 records'
is shell_dump_makes_the_file "$(cat all.csv)" 'dumped,1'
printf 'load -\nget a\n' | sh_is shell_loads_no_standard_input 2 1 "line 1: load: standard input has the lines of the shell: name a FILE"
printf 'backup copy\ninfo\n' | strata shell db >"$work/out" 2>&1
like shell_backup_and_info "$(strata get copy a) $(cat "$work/out")" '^1 .*db: stage 1, 01_append_log'
printf 'del dumped\ndel words\n' | strata shell db

# ---- What may not be written to ----
as_nobody="setpriv --reuid=65534 --clear-groups"
if [ "$(id -u)" -eq 0 ] && chmod 755 "$work" . && $as_nobody "$STRATA" version >/dev/null 2>&1; then
    for stage in 1 2 3 4 5 6; do
        strata put --stage $stage "fixed$stage" a 1
        chmod -R a+rX,a-w "fixed$stage"
        run $as_nobody "$STRATA" shell "fixed$stage" < <(printf 'get a\nput b 2\n')
        is "shell_opens_read_only_$stage" "$rc $out" '7 1'
        like "shell_says_that_it_is_read_only_$stage" "$(head -1 <<<"$err")" "^strata: shell: fixed$stage is open read-only: Permission denied$"
        like "shell_read_only_refuses_a_put_$stage" "$(sed 1d <<<"$err")" '^strata: shell: line 2: put: .*read-only'
    done
    fails shell_create_is_never_read_only 4 'Permission denied' $as_nobody "$STRATA" shell fixed1 --create
else
    skip shell_opens_read_only "not root, or no setpriv that is of use"
fi
read_only_mount() { unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && "$@"' sh "$@"; }
if [ "$(id -u)" -eq 0 ] && strata put mounted a 1 && read_only_mount mounted true 2>/dev/null; then
    run read_only_mount mounted strata shell mounted < <(echo 'get a')
    is shell_opens_a_read_only_file_system "$rc $out $err" '0 1 strata: shell: mounted is open read-only: Read-only file system'
else
    skip shell_opens_a_read_only_file_system "this user may not mount"
fi

# ---- Words ----
{
    printf '%s\n' "put 'two words' \"it's\"" 'put "" empty' "put '' 'none'" 'put x\x20y \\n\ttab' 'put a"b c"d e'
    printf 'put \xc3\xa9 \xff\n'
    printf 'put\t\ttabs \t  between  \n'
} | sh_is shell_words_are_stored 0 ""
printf 'scan' | sh_is shell_words_are_what_was_meant 0 \
    $'\tnone\na\t1\nab cd\te\nb\t2\nb2\t3\nc\t4\ntabs\tbetween\ntwo words\tit\'s\nx y\t\\\\n\\ttab\né\t\\xff'
printf -- 'put -- -5 minus\nget -- -5\nget --hex 2d35\n' | sh_is shell_dashes 0 $'minus\n6d696e7573'
printf 'get "two words\n' | sh_is shell_open_quote 2 "" '^strata: shell: line 1: column 5: this quote is never closed$'
printf "get 'a\"b\nget a\n" | sh_is shell_open_quote_does_not_end_it 2 1 'line 1: column 5: '
printf 'put a\\q 1\n' | sh_is shell_bad_escape 2 "" "^strata: shell: line 1: put: KEY: column 2: no such escape"
printf 'get a\0b\n' | sh_is shell_zero_byte 2 "" '^strata: shell: line 1: a zero byte as it is: write \\x00$'
{ seq 70 | tr '\n' ' '; echo; } | sh_is shell_too_many_words 2 "" 'more words than any command takes'
{ head -c 17000000 /dev/zero | tr '\0' x; printf '\nget a\n'; } |
    sh_is shell_too_long_a_line 2 1 '^strata: shell: line 1: the line is longer than 16777216 bytes'
{ printf 'put big '; head -c 300000 /dev/zero | tr '\0' v; printf '\n'; } | sh_is shell_long_value 0 ""
is shell_long_value_is_there "$(strata get db big | wc -c)" 300001
strata del db big

# ---- Errors ----
printf 'foo\nget a\n' | sh_is shell_unknown_command_does_not_end_it 2 1 '^strata: shell: line 1: there is no command "foo"; see `help`$'
printf 'get\nput a b c\nget a --limit 1\nget a --stage 1\n' | sh_is shell_usage 2 "" 'line 2: put: "c" is one argument too many; see `help put`'
like shell_usage_missing "$err" 'line 1: get: KEY is missing'
like shell_usage_option "$err" 'line 3: get: --limit is no option of this command'
like shell_usage_no_stage "$err" 'line 4: get: --stage is no option of this command'
printf 'foo\nget nothing\n' | sh_is shell_ends_with_the_last_failure 1 "" 'line 2: '
printf 'get nothing\nfoo\nget a\n' | sh_is shell_success_does_not_hide_a_failure 2 1 'line 1: '
printf 'shell db\nmigrate x y\n' | sh_is shell_of_a_shell 2 "" 'there is no command "shell"'
printf 'compact\n' | sh_is shell_beyond_the_stage_is_5 5 "" 'line 1: compact: not supported: 01_append_log has no compaction'
printf 'batch begin\n' | sh_is shell_batch_beyond_the_stage_is_5 5 "" 'line 1: batch: not supported: 01_append_log has no atomic batch'
printf 'snapshot take\n' | sh_is shell_snapshot_beyond_the_stage_is_5 5 "" 'line 1: snapshot: not supported: 01_append_log has no snapshots'
printf 'snapshot release\nsnapshot x\n' | sh_is shell_snapshot_without_take 2 "" 'line 1: snapshot: none is in use'
like shell_snapshot_unknown_word "$err" 'line 2: snapshot: "x" is neither take nor release'
strata put seen a old
strata put seen gone soon
printf 'snapshot take\nput a new\nput b 1\ndel gone\nget a\nscan\ncount\nsnapshot take\nsnapshot release\nget a\nscan\ncount\nsnapshot take\n' |
    strata shell seen >"$work/out" 2>"$work/err"
is shell_snapshot_reads_repeat "$(cat "$work/out")" $'old\na\told\ngone\tsoon\n2\nnew\na\tnew\nb\t1\n2'
like shell_snapshot_twice "$(cat "$work/err")" 'line 8: snapshot: one is in use'
printf 'batch commit\nbatch drop\nbatch x\ntiming perhaps\n' | sh_is shell_batch_without_begin 2 "" 'line 1: batch: none is under way'
like shell_batch_unknown_word "$err" 'line 3: batch: "x" is none of begin, commit, drop'
like shell_timing_unknown_word "$err" 'line 4: timing: "perhaps" is neither on nor off'
fails shell_timing_option_unknown 2 '^strata: shell: --timing: "maybe" is none of on' strata shell db --timing maybe
coproc strata shell db
echo 'get a' >&"${COPROC[1]}"
read -r -t 60 <&"${COPROC[0]}" # it has the lock
fails shell_needs_the_lock 6 'locked' strata shell db </dev/null
eval "exec ${COPROC[1]}>&-"
wait
if [ -w /dev/full ]; then
    fails shell_full_disk_is_4 4 'standard output: No space left' bash -c "printf 'scan\nput late 1\n' | strata shell db >/dev/full"
    code shell_stops_when_answers_are_lost 1 strata get db late
else
    skip shell_full_disk_is_4 "no /dev/full"
fi
run bash -c 'yes scan | strata shell db | head -1 >/dev/null; exit ${PIPESTATUS[1]}'
is shell_ends_with_its_reader "$rc$err" 141
code shell_closed_stdin_is_4 4 bash -c 'strata shell db <&-'

# ---- Timing, statistics, an answer at once ----
printf 'get a\ntiming on\nget a\ntiming off\nget a\n' | sh_is shell_timing 0 $'1\n1\n1' '^\([0-9]+\.[0-9]{3} ms\)$'
is shell_timing_is_told_when_on "$(grep -c . "$work/err")" 2
run bash -c 'echo "get a" | strata shell db --timing on'
like shell_timing_option "$out $err" '^1 \([0-9.]+ ms\)$'
printf 'get a\nget a\nput n 1\nstats --json\n' | strata shell db | tail -1 >stats.json
like shell_stats_count_its_own_calls "$(cat stats.json)" '"puts": 1, "deletes": 0, "gets": 2, "gets_found": 2,'
strata del db n
coproc strata shell db
echo 'get a' >&"${COPROC[1]}"
read -r -t 60 answer <&"${COPROC[0]}"
is shell_answers_before_the_input_ends "$answer" 1
eval "exec ${COPROC[1]}>&-"
wait

# ---- Batches ----
batched=$(strata stages | awk '/^stage/ { stage = $2 } $1 == "batch" { print stage; exit }')
if [ -n "$batched" ]; then
    batch() { strata --stage "$batched" shell batches --create; }
    printf 'put a 1\nbatch begin\nput a 2\nput b 2\ndel a\nget a\nscan\nbatch commit\nscan\n' | batch >"$work/out" 2>"$work/err"
    is shell_batch_is_seen_after_its_commit "$(cat "$work/out")" $'1\na\t1\nb\t2'
    printf 'batch begin\nput c 3\nbatch begin\nbatch drop\nscan\n' | batch >"$work/out" 2>"$work/err"
    is shell_batch_dropped_stores_nothing "$(cat "$work/out")" $'b\t2'
    like shell_batch_in_a_batch "$(cat "$work/err")" 'line 3: batch: one is under way'
    printf 'batch begin\nload more.tsv\nbatch drop\nscan\n' | batch >"$work/out" 2>"$work/err"
    like shell_load_in_a_batch "$(cat "$work/out" "$work/err")" 'line 2: load: a batch is under way'
    is shell_load_in_a_batch_stores_nothing "$(cat "$work/out")" $'b\t2'
    printf 'batch begin\nput d 4\nput e 5\n' | batch >"$work/out" 2>"$work/err"
    is shell_batch_at_the_end_is_2 $? 2
    like shell_batch_at_the_end_is_told "$(cat "$work/err")" 'a batch was under way and is dropped, operations: 2'
    printf 'batch begin\nbatch commit\nscan\n' | batch >"$work/out" 2>"$work/err"
    is shell_batch_of_nothing "$? $(cat "$work/out")" $'0 b\t2'
else
    skip shell_batch "no stage of this build promises batches"
fi

# ---- Transactions ----
printf 'begin\n' | sh_is shell_begin_beyond_the_stage_is_5 5 "" 'line 1: begin: not supported: .*01_append_log has no transactions'
printf 'commit\nROLLBACK\nrollback to x\nsavepoint\nbegin twice\nrollback at x\n' | sh_is shell_transaction_without_begin 2 "" 'line 1: commit: no transaction is open'
for line in '2: rollback: no transaction' '3: rollback: no transaction' '4: savepoint: no transaction' '5: begin: "twice" is neither' '6: rollback: "at" is not to'; do
    like "shell_transaction_without_begin_line_${line%%:*}" "$err" "line $line"
done
printf 'GET a\nScan --from b --to b2\n' | sh_is shell_commands_in_capitals 0 $'1\nb\t2'
if strata stages | grep -q '^  transaction '; then
    txn() { strata shell txns --create >"$work/out" 2>"$work/err"; }
    printf 'put a 1\nput gone 0\nBEGIN SNAPSHOT\nput a 2\nput b 2\ndel gone nothing\nget a b\nscan\ncount\nROLLBACK\nscan\n' | txn
    is shell_transaction_sees_its_writes "$? $(cat "$work/out")" $'1 a\t2\nb\t2\na\t2\nb\t2\n2\na\t1\ngone\t0'
    is shell_transaction_deletes_what_is_there "$(cat "$work/err")" 'strata: shell: line 6: del: no such key: nothing'
    printf 'begin\nput a 3\ndel gone\ncommit\nscan\nbegin serializable\ncommit\n' | txn
    is shell_transaction_commits "$? $(cat "$work/out" "$work/err")" $'0 a\t3'
    printf 'begin\nput a 4\nsavepoint one\nput a 5\nsavepoint\nput a 6\nROLLBACK TO\nget a\nrollback to two\nrollback to One\nrollback to one\nget a\nrollback to\nget a\ncommit\nget a\n' | txn
    is shell_savepoints "$? $(cat "$work/out")" $'2 5\n4\n4\n4'
    like shell_savepoint_unknown "$(cat "$work/err")" 'line 9: rollback: there is no savepoint two'
    like shell_savepoint_names_have_a_case "$(cat "$work/err")" 'line 10: rollback: there is no savepoint One'
    printf 'begin\nrollback to\nbegin\nbatch begin\nsnapshot take\nload more.tsv\nrollback\nbatch begin\nbegin\nbatch drop\nsnapshot take\nbegin\n' | txn
    is shell_transaction_and_others "$(sed 's/^strata: shell: //; s/; see.*//' "$work/err")" 'line 2: rollback: there is no savepoint
line 3: begin: one is open
line 4: batch: a transaction is open, which is one already
line 5: snapshot: a transaction is open, and reads one of its own
line 6: load: a transaction is open, and load is no part of one
line 9: begin: a batch is under way
line 12: begin: a snapshot is in use'
    printf 'begin\nsavepoint x\nput a 9\n' | txn
    is shell_transaction_at_the_end_is_2 "$? $(cat "$work/err")" '2 strata: shell: a transaction was open and is dropped'
    printf 'begin\nput a 9\nquit\n' | txn
    is shell_transaction_at_quit_is_dropped "$? $(strata get txns a)" '2 4'
else
    skip shell_transactions "no stage of this build promises transactions"
fi

# ---- Typed ----
if ! python3 -c 'import pty' 2>/dev/null; then
    skip shell_typed "no python3"
    done_testing
fi
typed() { # COMMAND KEYS...: see typing.py
    python3 "$here/typing.py" "$@" >"$work/out" 2>"$work/err"
    rc=$?
    out=$(cat "$work/out" "$work/err")
}
typed 'strata shell db' 'get a\n' 'get nothing\n' 'timing off\n' 'get b\n'
is typed_ends_with_0_after_a_failure "$rc" 0
like typed_greets "$out" '^Strata [0-9.]+, stage 1 \(01_append_log\), db$'
like typed_shows_a_prompt "$out" 'strata> '
like typed_tells_the_time "$out" '^\([0-9.]+ ms\)$'
is typed_timing_off_holds "$(printf '%s\n' "$out" | grep -c ' ms)')" 2
like typed_errors_have_no_line_number "$out" '^get: no such key: nothing$'
if [ -d txns ]; then
    typed 'strata shell txns' 'begin\n' 'put a 7\n' 'rollback\n' 'get a\n'
    like typed_prompt_shows_a_transaction "$out" 'transaction> put a 7'
    like typed_prompt_shows_its_end "$out" 'strata> get a'
fi
typed 'exec strata shell db >plain' 'get a' '\x03' 'get b\n' # no editor: its output is no terminal
is typed_plain_ends_with_0 "$rc" 0
like typed_plain_shows_a_prompt "$out" '^strata> get b$'
is typed_plain_ctrl_c_drops_the_line "$(tail -1 plain)" 2
is typed_plain_ctrl_c_runs_nothing "$(grep -c '^1$' plain)" 0
typed 'exec strata shell db --history plain.past >plain' 'get b\n'
like typed_plain_keeps_no_history "$rc $out" 'shell: no line is kept in plain.past: '
is typed_plain_makes_no_history "$(ls plain.past 2>&1 | grep -c 'No such')" 1
seq 500000 | sed 's/$/\tvalue/' | strata load many - 2>/dev/null
typed 'strata shell many --timing off' 'scan\n' '!\x03' 'count\n'
like typed_ctrl_c_ends_a_scan "$out" 'scan: interrupted$'
like typed_shell_goes_on_then "$(printf '%s\n' "$out" | tail -4)" '^500000$'
if ldd "$STRATA" 2>/dev/null | grep -q libedit; then
    typed 'strata shell db' '\t' 'get a\t\n' '\n' '\x1b[A\n'
    like edited_lists_all_when_nothing_is_typed "$out" '^put  get  del .*  quit  $'
    is edited_completes_no_key_before_stage_4 "$(printf '%s\n' "$out" | grep -c '^1$')" 2
    typed 'strata shell db --history past' 'pu\ttyped 1\n' 'get ty' '\x03' 'get a\n' '\x1b[A\n' 'c\t' 'u\t\n' 's\t' '\x03' 'xyz\t\n'
    is edited_completes_a_command "$(strata get db typed)" 1
    is edited_ctrl_c_drops_the_line "$(printf '%s\n' "$out" | grep -c 'no such key: ty')" 0
    is edited_arrow_brings_the_line_back "$(printf '%s\n' "$out" | grep -c '^1$')" 2
    like edited_completes_what_is_common "$out" "^$(strata count db)\$"
    like edited_lists_what_may_follow "$out" '^scan  stats  snapshot  savepoint  $'
    like edited_completes_nothing_else "$out" 'there is no command "xyz"'
    like edited_history_is_kept_in_the_file "$(cat past)" 'get'
    is edited_history_is_for_its_owner "$(stat -c %a past)" 600
    typed 'strata shell db --history past' '\x1b[A\x1b[A\x1b[A\x1b[A\n'
    like edited_history_is_there_next_time "$out" 'strata> .*(xyz|count|get a|put)'
    LC_ALL=C.UTF-8 typed 'strata shell db' 'get \xc3\xa9\n'
    like edited_text_may_be_utf8 "$out" '^\\xff$'
    LC_ALL=C.UTF-8 typed 'strata shell db' 'get \xc3\xa9' '\x03' 'get b\n'
    like edited_ctrl_c_drops_a_line_of_utf8 "$out" '^2$'

    if [ -d txns ]; then
        typed 'strata shell txns' 'BEGIN se\t\n' 'put a 8\n' 'savepoint\n' 'put a 9\n' 'rollb\tt\t\n' 'get a\n'
        like edited_completes_transactions "$out" '^8$'
    fi

    # Options, words, files, keys
    { printf 'user:1\tone\nuser:2\ttwo\ntwo words\tblank\n-dash\tminus\ncaf\xc3\xa9\tx\ncaf\xc3\xa8\ty\n'; seq -f 'many%03g' 200; } |
        sed 's/^many[0-9]*$/&\tvalue/' | strata load keys - 2>/dev/null
    typed 'strata shell keys' 'scan --k\t--lim\t1\n'
    like edited_completes_options "$out" '^-dash$'
    typed 'strata shell keys' 'timing of\t\n' 'get user:1\n'
    is edited_completes_the_words_of_an_operand "$(printf '%s\n' "$out" | grep -c ' ms)')" 0
    echo 'from	file' >a_file.tsv
    typed 'strata shell keys' 'load a_f\t\n' 'get from\n'
    like edited_completes_files "$out" '^file$'
    typed 'strata shell keys' 'get us\t2\n' 'get tw\t\n' 'get \\x2d\t\n' 'scan --prefix us\t\n' 'get user:1 user:\t' '\x03'
    like edited_completes_keys "$out" '^two$'
    like edited_completes_keys_with_blanks "$out" '^blank$'
    like edited_completes_keys_with_a_dash "$out" '^minus$'
    like edited_completes_values_of_options_that_are_keys "$out" '^user:2	two$|^user:2 +two$'
    like edited_lists_keys "$out" '^user:1  user:2  $'
    typed 'strata shell keys' 'get man\t\t' '\x03'
    like edited_lists_few_of_many_keys "$(tr '\n' ' ' <"$work/out")" 'many001  many002 .*many050  *\.\.\.  many200'
    is edited_lists_no_more_of_them "$(grep -c many051 "$work/out")" 0
    LC_ALL=C.UTF-8 typed 'strata shell keys' 'get caf\t\xc3\xa9\n'
    like edited_completion_cuts_no_character "$out" '^x$'

    typed 'strata shell db --history at_once' 'get a\n' 'put lines @at_once\n'
    like edited_history_is_kept_at_once "$(strata get db lines)" 'get'
    strata del db lines

    # History where nobody named a file
    rm -rf "$XDG_STATE_HOME"
    typed 'strata shell db' 'get a\n'
    is edited_history_is_kept_by_default "$(grep -c get "$XDG_STATE_HOME/strata/history")" 1
    is edited_history_by_default_is_private "$(stat -c %a "$XDG_STATE_HOME" "$XDG_STATE_HOME/strata" "$XDG_STATE_HOME/strata/history" | tr '\n' ' ')" '700 700 600 '
    typed 'strata shell db' '\x1b[A\x1b[A\n'
    is edited_history_by_default_comes_back "$(printf '%s\n' "$out" | grep -c '^1$')" 1
    rm -rf "$XDG_STATE_HOME"
    typed 'strata shell db --no-history' 'get a\n'
    STRATA_HISTORY= typed 'strata shell db' 'get a\n'
    is edited_history_can_be_turned_off "$rc $(ls -d "$XDG_STATE_HOME" 2>/dev/null)" '0 '
    STRATA_HISTORY=named typed 'strata shell db' 'get a\n'
    is edited_history_of_the_environment "$(grep -c get named) $(ls -d "$XDG_STATE_HOME" 2>/dev/null)" '1 '
    HOME=$work/home XDG_STATE_HOME=relative typed 'strata shell db' 'get a\n'
    is edited_history_lies_in_the_home_directory "$(grep -c get "$work/home/.local/state/strata/history") $(ls -d relative 2>/dev/null)" '1 '
    touch "$work/file"
    XDG_STATE_HOME=$work/file typed 'strata shell db' 'get a\n'
    is edited_history_that_nobody_asked_for_is_no_error "$rc $(printf '%s\n' "$out" | grep -c 'could not be kept')" '0 0'

    # What is no history is not written to.
    printf 'precious\nlines\n' >notes
    typed 'strata shell db --history notes' 'get a\n'
    like edited_other_file_is_told "$rc $out" 'shell: no line is kept in notes: it is no history'
    is edited_other_file_keeps_what_it_holds "$(cat notes)" "$(printf 'precious\nlines')"
    : >empty && ln -s empty linked
    typed 'strata shell db --history linked' 'get a\n'
    is edited_history_in_an_empty_file_behind_a_link "$(grep -c get empty) $(stat -c %F linked)" '1 symbolic link'
    if mknod device c 1 3 2>/dev/null; then # as /dev/null, whose mode everybody needs
        chmod 666 device
        STRATA_HISTORY=device typed 'strata shell db' 'get a\n'
        is edited_history_in_a_device_is_none "$rc $(stat -c '%F %a' device) $(grep -c history <<<"$out")" '0 character special file 666 0'
    else
        skip edited_history_in_a_device_is_none "no device can be made"
    fi
    typed 'strata shell db --history no/where' 'get a\n'
    like edited_history_that_cannot_be_kept_is_told "$out" '^strata: shell: no/where: the lines of today could not be kept'
else
    skip edited "this program was built without libedit"
    typed 'strata shell db --history past' 'get a\n'
    like plain_history_is_told_to_be_of_no_use "$out" 'built without libedit'
fi
done_testing
