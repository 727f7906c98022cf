#!/bin/bash
# The progress line: on a terminal only, and gone when something else is said.
. "$(dirname "$0")/tap.bash"

# feed DIR COUNT: records, each when the one before is stored in DIR and the line is due again (it is
# redrawn every tenth of a second, when something has come).
cat >"$work/bin/feed" <<'END'
for i in $(seq "$2"); do
    printf '%s\tv\n' "$i"
    for _ in $(seq 2000); do
        strata inspect "$1/000001.log" 2>/dev/null | grep -q "\"$i\"" && break
        sleep 0.02
    done
    sleep 0.15
done
END
chmod +x "$work/bin/feed"
sed -i '1i #!/bin/bash' "$work/bin/feed"

run bash -c "feed pipe 4 | strata --stage 1 load pipe -"
is no_terminal_no_bar "$(grep -c $'\r\|\033' "$work/err")" 0
like no_terminal_summary "$err" '^loaded 4 records'

if ! command -v script >/dev/null; then
    skip terminal_bar "no script(1)"
    done_testing
fi
on_terminal() { script -qec "$1" /dev/null </dev/null >"$work/out" 2>&1; rc=$?; out=$(tr -d '\0' <"$work/out"); }

on_terminal "feed tty 4 | strata --stage 1 load tty -"
is terminal_load_ends_with_0 "$rc" 0
like terminal_unknown_size_shows_amount_and_time "$out" $'\rload  [0-9]+ B  [0-9]+ B/s  [0-9]+ records/s  0:0[0-9] elapsed\033\\[K'
like terminal_bar_is_gone_before_the_summary "$out" $'\r\033\\[Kloaded 4 records'
on_terminal "export TERM=dumb; feed dumb 2 | strata --stage 1 load dumb -"
is dumb_terminal_no_bar "$(printf %s "$out" | grep -c $'\033')" 0
on_terminal "feed tty2 2 | strata --stage 1 load tty2 - 2>/dev/null"
is stderr_elsewhere_no_bar "$(printf %s "$out" | grep -c $'\033')" 0
on_terminal "(feed tty3 4; echo oops) | strata --stage 1 load tty3 -"
is terminal_malformed_is_2 "$rc" 2
like terminal_bar_is_gone_before_an_error "$out" $'\r\033\\[Kstrata: load: standard input:5:5: '

# A file has a size: a share, a bar, time left. Enough of it for some tenths of a second.
awk 'BEGIN { for (i = 0; i < 500000; i++) printf "%06d\tv\n", i }' >in.tsv
on_terminal "stty cols 100; strata --stage 1 load big in.tsv"
like terminal_file_shows_bar_and_time_left "$out" $'\rload \\[=*>? *\\] +[0-9]+%  [0-9.]+ [kMG]?B/s  [0-9]+ records/s  [0-9]+:[0-9][0-9] left\033\\[K'
on_terminal "stty cols 30; strata --stage 1 load small in.tsv"
is terminal_narrow_never_wraps "$(printf '%s' "$out" | sed 's/loaded.*//' | tr '\r' '\n' | sed 's/\x1b\[K//' | awk 'length > 29' | wc -l)" 0

# Ctrl-C: the line is taken off, the status is the conventional one, what was loaded stays.
: >"$work/out"
(wait_until grep -aq $'\rload  [0-9]* B' "$work/out"; printf '\003') |
    script -qec "(feed stopped 3; sleep 60) | strata --stage 1 load stopped -" /dev/null >"$work/out" 2>&1
is interrupt_status_is_130 $? 130
like interrupt_clears_the_line "$(tail -1 "$work/out")" $'\\^C\r\033\\[K$'
like interrupt_keeps_what_was_loaded "$(strata scan stopped --limit 1 | tr '\n' ' ')" $'^1\tv $'

# Who had it ignored goes on.
on_terminal "trap '' INT; (feed ignored 2; kill -INT 0; printf '3\tv\n') | strata --stage 1 load ignored -"
is interrupt_that_is_ignored_stops_nothing "$rc $(strata count ignored)" "0 3"
done_testing
