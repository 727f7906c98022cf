#!/bin/bash
# The command line itself: options anywhere, and every way to get it wrong ends with 2, names the
# argument and points to help.
. "$(dirname "$0")/tap.bash"

printf 'a\t1\nb\t2\n' >in.tsv
code option_before_the_command 0 strata --stage 1 load db in.tsv
code option_after_the_command 0 strata load db in.tsv --stage 1
code option_between_operands 0 strata load db --stage=1 in.tsv
prints several_options_in_any_order $'62\t32' strata --hex scan --reverse db --limit 1
prints option_value_may_begin_with_a_dash "" strata scan db --from z --to -1
prints options_end $'a\t1' strata scan --limit 1 -- db
code dash_is_an_operand 0 bash -c 'strata load - db2 <in.tsv; [ $? -eq 4 ]'

usage() { # NAME REGEX ARGUMENT...
    local name=$1 says=$2
    shift 2
    fails "$name" 2 "^strata: $says.*; see \`strata help" strata "$@"
    is "${name}_prints_nothing_on_stdout" "$out" ""
}
usage no_command 'a command is missing'
usage unknown_command 'there is no command "scna"' scna db
usage unknown_command_nearly 'there is no command "lod" \(did you mean load\?\)' lod db
usage unknown_command_swapped 'there is no command "scna" \(did you mean scan\?\)' scna db
usage unknown_command_cut 'there is no command "comp" \(did you mean compact\?\)' comp db
for word in timing frobnicate xy s; do
    fails "unknown_command_is_like_none($word)" 2 "^strata: there is no command \"$word\"; see" strata $word
done
usage help_of_nothing_nearly 'help: there is no command "lod" \(did you mean load\?\)' help lod
usage unknown_option 'scan: unknown option --frm' scan db --frm a
usage unknown_option_before 'unknown option --frm' --frm a scan db
usage unknown_short_option 'put: unknown option -5' put db k -5
usage option_of_another_command 'get: --json is no option of this command' get db k --json
usage option_without_value 'scan: --limit wants N' scan db --limit
usage flag_with_value 'scan: --reverse takes no value' scan db --reverse=yes
usage option_twice 'scan: --limit is given twice' scan db --limit 1 --limit 2
usage empty_option_name 'scan: unknown option --=5' scan db --=5
usage missing_dir 'scan: DIR is missing' scan
usage missing_value 'put: VALUE is missing' put db k
usage extra_argument 'put: "extra" is one argument too many' put db k v extra
usage help_of_nothing 'help: there is no command "scna"' help scna
usage help_all_and_one 'help: --all and a command' help --all get
for number in x '' -1 +1 1x ' 1' 0x10 1.5 18446744073709551616 99999999999999999999; do
    usage "limit_is_no_number($number)" "scan: --limit: \"$(printf %s "$number" | sed 's/[+.]/\\&/g')\" is no whole number" \
        scan db "--limit=$number"
done
usage stage_0 'get: --stage: "0" is no whole number of 1' get db k --stage 0
usage stage_beyond_numbers 'get: --stage: "4294967296"' get db k --stage 4294967296
usage inspect_limit_0 'inspect: --limit: "0"' inspect db/STRATA --limit 0
fails empty_directory_name 2 'strata: get: invalid argument' strata get '' k
prints stage_of_the_directory_is_found 1 strata get db a
prints stage_with_leading_zero 1 strata get db a --stage 01
done_testing
