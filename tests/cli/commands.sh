#!/bin/bash
# Every command once, as a newcomer would use it, and every exit status that stage 1 can give.
. "$(dirname "$0")/tap.bash"
data() { ls db/*.log | tail -1; } # the data file that stage 1 writes

# ---- One key ----
prints put_new_database_is_made "" strata --stage 1 put db fruit apple
prints get_prints_the_value apple strata get db fruit
prints put_again_replaces "" strata put db fruit pear
prints get_newest_wins pear strata get db fruit
prints put_empty_value "" strata put db empty ''
prints get_empty_value "" strata get db empty
prints put_empty_key "" strata put db '' nothing
prints get_empty_key nothing strata get db ''
prints put_escapes_are_bytes "" strata put db 'a\tb' 'x\x00\xff\n\\'
prints get_bytes_are_escapes 'x\x00\xff\n\\' strata get db 'a\x09b'
prints put_hex "" strata put db --hex 00ff 'DEADbeef'
prints get_hex deadbeef strata get db --hex 00FF
fails get_odd_hex_is_2_and_says_why 2 'get: KEY: column 3: odd number of hexadecimal digits' strata get db --hex 00f
fails put_cut_escape_is_2_and_says_why 2 'put: KEY: column 2: cut short: a backslash begins' strata put db 'a\x4' v
prints put_dashes_after_the_end_of_options "" strata put db -- --key -v
prints get_dashes_after_the_end_of_options -v strata get db -- --key
prints del_removes "" strata del db fruit
fails get_missing_key_is_1 1 'strata: get: no such key: fruit' strata get db fruit
fails del_missing_key_is_1 1 'strata: del: no such key: fruit' strata del db fruit

# ---- Many ----
printf 'b\t2\na\t1\nb\t3\n' >in.tsv
run strata load many in.tsv
is load_prints_nothing_on_stdout "$rc$out" 0
like load_sums_up "$err" '^loaded 3 records, 6 bytes of keys and values in [0-9.]+ s, [0-9]+ records/s$'
prints scan_is_in_order_and_newest_wins $'a\t1\nb\t3' strata scan many
prints dump_is_as_scan $'a\t1\nb\t3' strata dump many
prints dump_dash_is_stdout $'a\t1\nb\t3' strata dump many -
prints dump_into_a_file "" strata dump many out.tsv
is dump_file_holds_all "$(cat out.tsv)" $'a\t1\nb\t3'
fails dump_never_overwrites 4 'strata: dump: out.tsv: File exists' strata dump many out.tsv
fails dump_that_fails_leaves_no_file 7 'no database' strata dump nothing none.tsv
is dump_left_nothing "$(ls none.tsv 2>&1 | grep -c 'No such')" 1
run bash -c 'strata load many - <in.tsv'
is load_dash_is_stdin "$rc" 0
run bash -c "printf 'z\t26' | strata load many -"
is load_last_line_without_newline "$(strata get many z)" 26
like load_one_record_is_in_the_singular "$err" '^loaded 1 record, 3 bytes of'
run bash -c "printf 'z\t' | strata load many -"
like load_one_byte_is_in_the_singular "$err" '^loaded 1 record, 1 byte of'
run bash -c "strata load fresh - </dev/null"
like load_nothing_makes_an_empty_database "$rc $err" '^0 loaded 0 records'
prints scan_empty_database_prints_nothing "" strata scan fresh

# ---- About a database ----
run strata stats db
is stats_leaves_out_what_is_0 "$(awk 'NR > 2 && $2 == 0' <<<"$out")" ""
like stats_has_units "$out" '^log_records +[1-9][0-9]* records '
run strata stats db --json --all
json=$out
prints stats_json_has_all "$json" strata stats db --json
run strata stats db --all
is stats_all_has_what_is_0 "$(($(awk 'NR > 2 && $2 == 0' <<<"$out" | wc -l) > 5))" 1
is stats_all_has_what_json_has "$(awk 'NR > 2 { print $1 }' <<<"$out" | paste -sd' ')" "$(grep -oE '"[a-z0-9_]+": [0-9]' <<<"$json" | cut -d'"' -f2 | grep -v '^stage$' | paste -sd' ')"
like stats_names_the_stage "$out" '^stage +1 +01_append_log'
like stats_names_the_promises "$out" '^promises +exit kill damage$'
for figure in 'fs_open +[0-9]+ calls' 'fs_append +[0-9]+ calls' 'fs_sync +[0-9]+ calls' 'fs_sync_dir +[0-9]+ calls' \
    'fs_bytes_read +[1-9][0-9]* bytes' 'fs_bytes_written +[0-9]+ bytes'; do
    like "stats_tells_${figure%% *}" "$out" "^$figure "
done
run strata stats db --json
for figure in fs_open fs_append fs_sync fs_sync_dir fs_bytes_read fs_bytes_written; do
    like "stats_json_tells_$figure" "$out" "\"stats\": .*\"$figure\": [0-9]+[,}]"
done
like stats_json_is_one_object "$out" '^\{"stage": 1, "name": "01_append_log", "survives": "[^"]*", "promises": \["exit", "kill", "damage"\], "stats": \{("[a-z0-9_]+": [0-9]+(, )?)+\}\}$'
is stats_json_is_one_line "$(wc -l <"$work/out")" 1
if command -v python3 >/dev/null; then
    code stats_json_parses 0 bash -c 'strata stats db --json | python3 -m json.tool'
else
    skip stats_json_parses "no python3"
fi
prints verify_no_damage "db: no damage" strata verify db
prints verify_deep_no_damage "db: no damage" strata verify --deep db
run strata inspect db/STRATA
like inspect_marker "$rc $out" '^0 db/STRATA: marker, 32 bytes'
like inspect_says_how_much_is_valid "$out" 'valid: 32 of 32 bytes'
code inspect_data 0 strata inspect "$(data)"
printf 'a\t1\nb\t2\n' | strata load --stage 3 frames - 2>"$work/err"
run strata inspect frames/000001.log
like inspect_frame_is_decoded "$(tr "\n" " " <<<"$out")" ' sequence +1, .* synced +77, .* bytes +38, .* count +2, '
like inspect_segment_is_named "$out" 'number +segment 1, seeds every check'
code inspect_frames_reopened 0 strata put frames c 3
run strata inspect frames/INDEX
like inspect_position_is_decoded "$out" 'position +segment 1, offset [0-9]+, as segment'
fails inspect_directory_is_2_and_names_its_files 2 'db is a directory: name one of its files: .*STRATA' strata inspect db
code inspect_lock 0 strata inspect db/LOCK
cp "$(data)" elsewhere
code inspect_file_out_of_its_directory 0 strata inspect elsewhere
whole=$(strata inspect "$(data)" | wc -l)
run strata inspect "$(data)" --limit 1
is inspect_limit_prints_less "$rc $(( $(wc -l <"$work/out") < whole ))" "0 1"
run strata stages
like stages_lists_stage_1 "$out" '^stage 1  01_append_log'
like stages_says_what_is_promised "$out" '^  kill +an acknowledged write survives kill -9$'
run strata version
like version_is_a_number "$out" '^strata [0-9]+\.[0-9]+\.[0-9]+, [0-9]+ stages?$'
version=$out
prints version_as_an_option "$version" strata --version

# ---- Exit status 3: damage ----
cp -r db damaged
log=damaged/$(basename "$(data)")
flip "$log" 60
fails get_damage_is_3_with_file_and_offset 3 "strata: get: corrupt: $log @[0-9]+: " strata get damaged ''
fails verify_damage_is_3 3 "$log @" strata verify damaged
fails scan_damage_is_3 3 "$log @" strata scan damaged
fails inspect_damage_is_3 3 "strata: inspect: $log is damaged" strata inspect "$log"
like inspect_damage_names_the_offset "$out" '^DAMAGE @[0-9]+: '
cp -r db damaged2
log=damaged2/$(basename "$(data)")
flip "$log" 0
fails inspect_damaged_magic_is_known_by_name 3 'is damaged' strata inspect "$log"
like inspect_damaged_magic_is_at_0 "$out" '^DAMAGE @0: '
flip damaged2/STRATA 3
fails inspect_damaged_marker_is_known_by_name 3 'is damaged' strata inspect damaged2/STRATA
fails inspect_damaged_both_still_known_by_name 3 'is damaged' strata inspect "$log"
fails get_damaged_marker_is_3 3 'damaged2/STRATA @0' strata get damaged2 x
head -c 5 damaged2/STRATA >STRATA
code inspect_cut_marker_is_3 3 strata inspect STRATA
printf '\177ELF and so on' >foreign
fails inspect_foreign_file_is_3_at_0 3 'strata: inspect: corrupt: foreign @0: ' strata inspect foreign
: >nothing_in_it
fails inspect_empty_file_is_3_at_0 3 'nothing_in_it @0: ' strata inspect nothing_in_it
cp -r db unmarked && rm unmarked/STRATA
fails put_data_without_marker_is_3 3 'marker STRATA is missing' strata put unmarked a b

# ---- A torn tail is no damage: a warning ----
cp -r db torn
log=torn/$(basename "$(data)")
truncate -s -1 "$log"
run strata scan torn
like scan_torn_tail_is_a_warning "$rc $err" '^0 strata: warning: '
run strata inspect "$log"
like inspect_torn_tail_is_told "$rc $out" 'TORN TAIL @[0-9]+: '

# ---- Exit statuses 4 to 7 ----
fails load_missing_file_is_4 4 'strata: load: none.tsv: No such file' strata load never none.tsv
is load_missing_file_makes_nothing "$(ls -d never 2>&1 | grep -c 'No such')" 1
fails load_directory_is_4 4 'Is a directory' strata load never .
fails inspect_missing_file_is_4 4 'none: .*No such file' strata inspect none
fails put_missing_parent_is_4 4 'No such file' strata put no/where a b
fails command_beyond_the_stage_is_5 5 "not supported: 01_append_log has no compaction" strata compact db
fails get_missing_database_is_7 7 'no database: nowhere' strata get nowhere a
fails del_never_creates 7 'no database: nowhere' strata del nowhere a
fails verify_never_creates 7 'no database: nowhere' strata verify nowhere
is nothing_was_created "$(ls -d nowhere 2>&1 | grep -c 'No such')" 1
fails get_stage_not_in_this_build_is_2 2 '"99" is no whole number of 1 to' strata get db a --stage 99

mkfifo pipe
strata --stage 1 load held pipe 2>/dev/null &
exec 8>pipe
is_locked() { strata get held a; [ $? -eq 6 ]; }
wait_until is_locked
run strata put held a 1
is put_locked_is_6 "$rc" 6
like put_locked_says_so "$err" 'strata: put: locked: held'
code get_locked_is_6 6 strata get held a
printf 'k\tv\n' >&8
wait_until eval 'strata inspect held/000001.log | grep -q "\"k\""'
code inspect_works_beside_a_writer 0 strata inspect held/STRATA
run strata inspect held/000001.log
like inspect_sees_what_was_acknowledged "$rc $out" '"k"'
kill -TERM $!
wait $! 2>/dev/null
is load_terminated_has_the_conventional_status $? 143
exec 8>&-
prints load_terminated_keeps_what_was_acknowledged $'k\tv' strata scan held --prefix k

# ---- Beside a process that writes, stage 10 ----
strata datagen -n 3000 --value-size 50 | strata load served - --stage 10 2>/dev/null
coproc strata shell served
writer=$COPROC_PID
printf 'put a 1\nput b 2\nget b\n' >&"${COPROC[1]}"
read -r -t 60 <&"${COPROC[0]}"
code put_beside_a_writer_is_6 6 strata put served c 3
prints get_beside_a_writer 2 strata get served b
prints scan_beside_a_writer $'a\t1\nb\t2' bash -c 'strata scan served | tail -2'
for command in verify levels info stats; do
    code "${command}_beside_a_writer" 0 strata $command served
done
code backup_beside_a_writer 0 strata backup served copied
prints backup_beside_a_writer_has_all 3,002 bash -c 'strata info copied | awk "\$1 == \"keys\" { print \$2 }"'
mkfifo slow
strata scan served >slow & # waits for who reads the pipe
reader=$!
exec 7<slow
read -r first <&7
printf 'compact\ninfo\n' >&"${COPROC[1]}"
while read -r -t 60 line <&"${COPROC[0]}"; do
    case $line in 'obsolete files'*) held=$line ;; 'last event'*) break ;; esac
done
like info_says_that_a_reader_keeps_files "${held:-}" '^obsolete files +[0-9.]+ .?B  kept as long as another process reads$'
kill -KILL $reader
exec 7<&-
eval "exec ${COPROC[1]}>&-"
wait $reader $writer 2>/dev/null
is killed_reader_keeps_no_file "$(ls served/*.table | wc -l)" "$(strata info served | awk '$1 == "tables" { print $2 }')"

as_nobody="setpriv --reuid=65534 --clear-groups"
if [ "$(id -u)" -ne 0 ]; then
    chmod -R a-w db
    prints get_read_only_directory "" strata get db empty
    fails put_read_only_directory_is_4 4 'Permission denied' strata put db new value
    chmod -R u+w db
elif chmod 755 "$work" . && $as_nobody "$STRATA" version >/dev/null 2>&1; then
    chmod -R a+rX,a-w db
    prints get_read_only_directory "" $as_nobody "$STRATA" get db empty
    fails put_read_only_directory_is_4 4 'Permission denied' $as_nobody "$STRATA" put db new value
    chmod -R u+w db
else
    skip get_read_only_directory "root may write anywhere, and setpriv is not there or not of use"
fi
if (ulimit -f 64) 2>/dev/null; then
    run bash -c 'trap "" XFSZ; ulimit -f 64
                 awk "BEGIN { for (i = 0; i < 9999; i++) printf \"%06d\tvalue\n\", i }" | strata load full -'
    is load_disk_full_is_4 "$rc" 4
    like load_disk_full_says_where "$err" 'that was standard input:[0-9]+'
    told=$(sed -n 's/.*which stay: //p' "$work/err")
    is load_disk_full_keeps_what_it_told "$(strata scan full 2>/dev/null | wc -l)" "$told"
else
    skip load_disk_full "no ulimit -f"
fi
done_testing
