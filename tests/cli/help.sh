#!/bin/bash
# Help: a page for each command, and the example on it does what it says.
. "$(dirname "$0")/tap.bash"

run strata help
overview=$out
is help_ends_with_0 "$rc" 0
is help_fits_a_screen "$(( $(printf '%s\n' "$overview" | wc -l) <= 40 ))" 1
is help_fits_80_columns "$(strata help --all | grep -vE '^ +\$|^ +.*  ' | awk 'length > 90' | wc -l)" 0
prints help_as_an_option "$overview" strata --help
prints help_as_a_letter "$overview" strata -h
commands=$(printf '%s\n' "$overview" | sed -n 's/^  \([a-z]*\) .*/\1/p')
is help_lists_the_commands "$(echo $commands)" 'put get del delrange merge scan count load dump datagen migrate backup repair destroy compact info stats levels timeline verify inspect crash schedule shell serve stages completion version help'

# Runs the example of a page: "  $ command" lines, each with what it prints after it; "..." in
# what is printed stands for anything.
example() {
    sed -n '/^Example$/,$p' | sed -e 1d -e 's/^  //' >page
    local line command= shown= ran=0
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '$ '*) step || return 1; command=${line#'$ '} shown= ran=$((ran + 1)) ;;
        *) shown=$shown$line$'\n' ;;
        esac
    done <page
    step && [ $ran -gt 0 ]
}
step() {
    [ -n "$command" ] || return 0
    local printed pattern
    printed=$(sh -c "$command" 2>"$work/err") || { echo "# failed: $command"; return 1; }
    [ -z "$printed" ] || printed=$printed$'\n'
    pattern=$(printf '%s' "$shown" | sed -e 's/[]\/$*.^[]/\\&/g' -e 's/\\\.\\\.\\\./\x01/g')
    pattern=${pattern//$'\x01'/.*}
    printf '%s' "$printed" | tr '\n' '\2' >"$work/printed"
    pattern=$(printf '%s' "$pattern" | tr '\n' '\2')
    [ -z "$shown" ] || pattern=$pattern$'\2'
    grep -qaE "^$(printf '%s' "$pattern" | sed 's/[(){}|?+]/\\&/g')\$" "$work/printed" ||
        { [ -z "$shown" ] && [ -z "$printed" ]; } ||
        { echo "# $command"; echo "# printed: $printed"; echo "# shown: $shown"; return 1; }
}
for command in $commands; do
    run strata help "$command"
    page=$out
    like "help_${command}_shows_usage" "$page" "^usage: strata $command"
    like "help_${command}_shows_exit_status" "$page" '^  0  ok'
    is "help_${command}_is_80_columns_wide" "$(printf '%s\n' "$page" | awk 'length > 90' | wc -l)" 0
    prints "help_${command}_as_an_option" "$page" strata "$command" --help
    prints "help_${command}_as_an_option_before" "$page" strata --help "$command" extra --limit 5
    mkdir "example_$command"
    cd "example_$command" || exit 1
    if told=$(strata help "$command" | example); then
        pass "help_${command}_example_runs"
    else
        fail "help_${command}_example_runs" "$told"
    fi
    cd ..
done
is help_all_has_every_page "$(strata help --all | grep -c '^---- strata ')" "$(echo $commands | wc -w)"

# Each option that a page names is taken, and takes a value as the page says.
strata --stage 1 put db a 1
bad=
for command in scan stats inspect; do
    operand=db; [ $command = inspect ] && operand=db/STRATA
    while read -r option value; do
        case $value in N) value=1 ;; SIZE) value=1M ;; KEY) value=a ;; *) value= ;; esac
        [ "$option" = --hex ] && continue
        strata "$command" "$operand" "$option" $value >/dev/null 2>&1 || bad="$bad $command $option"
    done < <(strata help $command | sed -n 's/^  \(--[a-z-]*\)\( [A-Z]*\)\{0,1\} .*/\1 \2/p')
done
is help_options_are_taken "$bad" ""
done_testing
