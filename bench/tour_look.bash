# tour_look.bash: how the tour looks, and how it runs what it shows. Colours, and what moves, on a
# terminal only; NO_COLOR is respected. It wants $T, the temporary directory.

bold='' dim='' green='' red='' blue='' off='' terminal='' columns=110
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
    terminal=1
    exec 8>&1
    size=$(stty size <&8 2>/dev/null)
    columns=${size#* }
    [ "${columns:-0}" -ge 40 ] 2>/dev/null || columns=80
    [ "$columns" -gt 110 ] && columns=110
    if [ -z "${NO_COLOR:-}" ]; then
        bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' blue=$'\e[36m' off=$'\e[0m'
    fi
fi

rule() { # TEXT: a line across the screen
    local text="── $1 " width=$((${#1} + 4)) line=
    while [ $((width++)) -lt $((columns - 1)) ]; do line+=─; done
    printf '\n%s%s%s%s%s\n' "$bold" "$text" "$off$dim" "$line" "$off"
}
say() {
    local line
    for line; do printf '%s\n' "${line:+  $line}"; done
}
step() { printf '\n  %s%s%s\n' "$bold" "$1" "$off"; }
ok() { # LINE...: what holds
    printf '    %s✓%s %s\n' "$green" "$off" "$1"
    shift
    [ $# -eq 0 ] || printf '      %s\n' "$@"
}
group() { # 34924 as 34,924
    local n=$1 text=
    while [ ${#n} -gt 3 ]; do text=,${n: -3}$text n=${n:0:${#n}-3}; done
    printf %s "$n$text"
}

failed=
fail() { # TEXT...: what should hold and does not
    failed=1
    printf '    %s✗ %s%s\n' "$red" "$1" "$off" >&2
    shift
    [ $# -gt 0 ] && printf '      %s\n' "$@" >&2
    exit 1
}

# While a command takes longer than a second, a terminal shows that it goes on.
ticker=
ticker_start() {
    [ -n "$terminal" ] || return 0
    (
        n=0
        until read -r -t 1 <&9; do printf '\r    %s… %d s%s' "$dim" $((++n)) "$off"; done
    ) 2>/dev/null &
    ticker=$!
}
# By a signal that no trap takes: bash, which is about to drop ours in the new process, may drop one
# that it has taken in between.
ticker_stop() {
    [ -n "$ticker" ] || return 0
    { kill -9 "$ticker" && wait "$ticker"; } 2>/dev/null
    ticker=
    printf '\r\e[K'
}

# Lines of a file, indented; cut at the screen's edge but never inside a character, or, where they
# are two at most, continued on the next line. The temporary directory is $T, as in the commands.
show() { # FILE LINES
    local lines
    lines=$(wc -l <"$1")
    [ "$2" -gt 0 ] || return
    awk -v most="$2" -v width=$((columns - 6)) -v T="$T" -v fold=$((lines <= 2)) '
        function first_part(line,   at) { # up to a space, if there is one
            for (at = width; at > width / 2 && substr(line, at, 1) != " "; at--) {}
            return substr(line, 1, at > width / 2 ? at : width)
        }
        NR > most { next }
        {
            while ((at = index($0, T)) > 0)
                $0 = substr($0, 1, at - 1) "$T" substr($0, at + length(T))
        }
        fold {
            for (indent = "    "; length($0) > width; indent = "      ") {
                part = first_part($0)
                print indent part
                $0 = substr($0, length(part) + 1)
            }
            print indent $0
            next
        }
        length($0) > width {
            $0 = substr($0, 1, width - 1)
            sub(/[\300-\367][\200-\277]*$/, "")
            $0 = $0 "…"
        }
        { print "    " $0 }
        END { if (NR > most) printf "    … %d more\n", NR - most }' "$1"
}

# The command as it is shown is the command that is run. Its output, both streams, is left in
# $T/out, its exit status in $rc.
rc=0
run_quietly() { # COMMAND
    printf '    %s$ %s%s\n' "$blue" "$1" "$off"
    ticker_start
    eval "$1" >"$T/out" 2>&1
    rc=$?
    ticker_stop
}
run() { # COMMAND [LINES]
    run_quietly "$1"
    show "$T/out" "${2:-6}"
}
must() { # COMMAND [LINES]: it has to succeed
    run "$@"
    [ $rc -eq 0 ] || fail "the command above ended with status $rc"
}
