#!/bin/bash
# put, get and del where the value is no argument, where its bytes are wanted as they are, and where
# there are several keys.
. "$(dirname "$0")/tap.bash"
head -c 300000 /dev/urandom >blob
printf 'line\n' >line

# ---- Values from elsewhere ----
code put_dash_is_standard_input 0 bash -c 'strata put db in - <blob'
strata get db in --raw >got
same get_raw_is_what_was_put got blob
code put_at_is_a_file 0 strata put db file @blob
strata get db file --raw >got
same get_raw_of_a_file got blob
prints put_file_with_its_line_end "" strata put db line @line
prints get_with_escapes 'line\n' strata get db line
prints put_empty_input "" bash -c 'strata put db none - </dev/null'
is get_raw_of_nothing_is_nothing "$(strata get db none --raw | wc -c)" 0
prints put_hex_is_of_the_key_alone "" strata put db --hex 6b @line
prints get_hex_raw_is_of_the_key_alone line strata get db --hex 6b --raw
prints put_file_in_the_shell "" bash -c "echo 'put shell @line' | strata shell db"
prints get_raw_in_the_shell line bash -c "echo 'get shell --raw' | strata shell db"
fails put_dash_in_the_shell_is_2 2 'standard input has the lines of the shell' bash -c "echo 'put k -' | strata shell db"

# ---- Values that look so ----
prints put_behind_dashes_is_literal "" strata put db -- dash -
prints put_behind_dashes_is_dash - strata get db dash
prints put_behind_dashes_at "" strata put db at -- @blob
prints put_behind_dashes_is_at @blob strata get db at
prints put_escaped_at "" strata put db at '\x40x'
prints put_escaped_at_is_at @x strata get db at
prints put_escaped_dash "" strata put db dash '\x2d'
prints put_escaped_dash_is_dash - strata get db dash
prints put_key_is_never_a_file "" strata put db @key v
prints get_key_is_never_a_file v strata get db @key

# ---- What cannot be read stores nothing ----
fails put_missing_file_is_4 4 'strata: put: VALUE: none: No such file .*put -- before it' strata put new k @none
fails put_directory_is_4 4 'strata: put: db: Is a directory' strata put new k @db
fails put_no_name_is_4 4 'VALUE: : No such file' strata put new k @
code put_closed_input_is_4 4 bash -c 'strata put new k - <&-'
truncate -s 1073741825 huge
fails put_too_long_is_2 2 'put: VALUE: huge has more than 1073741824 bytes' strata put new k @huge
is put_that_failed_made_nothing "$(ls -d new 2>&1 | grep -c 'No such')" 1
rm huge

# ---- Several keys, at a stage without batches and at one with them ----
for stage in 1 6; do
    db=db$stage
    for key in a b 'c\td' e; do strata --stage $stage put $db "$key" "of $key\n"; done
    prints "get_several_stage_$stage" $'a\tof a\\n\nc\\td\tof c\\td\\n' strata get $db a 'c\td'
    run strata get $db a x b y
    is "get_missing_stage_${stage}_is_1_and_prints_the_others" "$rc $out" $'1 a\tof a\\n\nb\tof b\\n'
    is "get_missing_stage_${stage}_are_named" "$err" $'strata: get: no such key: x\nstrata: get: no such key: y'
    prints "get_several_hex_stage_$stage" $'61\t6f6620610a\n62\t6f6620620a' strata get $db --hex 61 62
    fails "get_bad_key_prints_nothing_stage_$stage" 2 'column 1: no such escape' strata get $db a '\q'
    is "get_bad_key_printed_nothing_stage_$stage" "$out" ""
    fails "get_raw_of_several_stage_${stage}_is_2" 2 'get: --raw takes one KEY' strata get $db a b --raw
    fails "del_bad_key_stage_$stage" 2 'column 1: no such escape' strata del $db a '\q'
    prints "del_bad_key_removes_nothing_stage_$stage" 4 strata count $db
    run strata del $db a x b
    is "del_missing_stage_${stage}_is_1_and_named" "$rc $err" '1 strata: del: no such key: x'
    prints "del_removes_the_others_stage_$stage" $'c\\td\te' bash -c "strata scan $db --keys-only | paste -s"
    prints "del_several_stage_$stage" "" strata del $db 'c\td' e
    prints "del_several_removes_them_stage_$stage" 0 strata count $db
done
strata --stage 5 load tables <(printf 'a\t1\nc\t3\n') >/dev/null 2>&1
strata compact tables 2>/dev/null
prints get_cost_says_what_each_get_took \
    $'a: tables 1, filters 1, blocks 1, of them read 1\nd: tables 0, filters 0, blocks 0, of them read 0' \
    bash -c "strata get tables a d --cost 2>&1 >/dev/null | grep -v 'no such' | cut -d, -f1-4"
strata put bent k value # a table of one block
flip bent/*.table 30
code get_of_a_damaged_value_is_3 3 strata get bent k
code del_of_a_damaged_value 0 strata del bent k
fails del_of_a_damaged_value_removes_it 1 'no such key: k' strata get bent k
strata put db6 a 1
strata del db6 a x 2>/dev/null
run bash -c "printf 'put a 1\nbatch begin\ndel a nothing\nbatch commit\ncount\ndel a nothing\n' | strata shell db6"
is del_in_a_batch_says_nothing_of_missing_keys "$out" 0
is del_in_the_shell_names_missing_keys "$rc $err" $'1 strata: shell: line 6: del: no such key: a\nstrata: shell: line 6: del: no such key: nothing'
done_testing
