#!/bin/bash
# Runs one of the crash laboratory's long programs for every stage and prints what came out as
# Markdown, machine and date first.
#
#   docs/tools/crash_tables.sh faults|bits    as make does
#   docs/tools/crash_tables.sh crash          make crash
#   docs/tools/crash_tables.sh kill [TIMES]   make kill, in the directory TMPDIR, on /dev/shm if unset
set -u
what=$1 times=${2:-1000}
machine() {
    awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo
}
command="make $what"
[ "$what" = kill ] && command="TMPDIR=${TMPDIR:-/dev/shm} make kill TIMES=$times"
printf 'Run on %s on %s, %s cores; Linux %s: %s, with STAGE=1 and so on.\n' "$(date +%F)" \
    "$(machine)" "$(nproc)" "$(uname -r)" "\`$command\`"

faults_table() {
    awk '
        function put(row, column, value) { if (!(row in seen)) { seen[row] = 1; rows[++n] = row } cell[row, column] = value }
        /^work/ { next }
        /^call/ { calls = 1 }
        /^faults:/ { last = $0 }
        calls || NF < 7 { next }
        { sub(/sync drops/, "sync_drops"); sub(/for ever/, "ever"); sub(/disk full/, "disk"); sub(/k bytes/, "ever") }
        $1 == "disk" || $1 == "memory" { other = other sprintf("| %s%s | %d | %d | %d |\n", $1 == "disk" ? "disk full after k bytes" : "k-th allocation fails", $1 == "disk" ? "" : $3 == "once" ? ", once" : ", for ever", $4, $6, $NF); next }
        { put($1, $2, $5); cuts[$1] += $8; bad[$1] += $9; silent[$1] += $7 }
        END {
            print "| work | EIO | ENOSPC | EMFILE | short | EINTR | sync drops | silent | power cuts | bad |"
            print "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
            split("EIO ENOSPC EMFILE short EINTR sync_drops", kinds, " ")
            for (i = 1; i <= n; i++) {
                line = "| " rows[i]
                for (k = 1; k <= 6; k++) line = line " | " cell[rows[i], kinds[k]]
                print line " | " silent[rows[i]] " | " cuts[rows[i]] " | " bad[rows[i]] " |"
            }
            print "\n| loop | runs | errors reported | bad |\n|---|--:|--:|--:|"
            printf "%s", other
            print "\n`" last "`"
        }'
}

bits_table() {
    awk '
        BEGIN {
            print "| database | damage | tried | detected | harmless | prefix | wrong | bad |"
            print "|---|---|--:|--:|--:|--:|--:|--:|"
        }
        / all files / {
            words = ""
            for (i = 4; i <= NF - 6; i++) words = words (i > 4 ? " " : "") $i
            printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", $1, words, $(NF - 5), $(NF - 4), $(NF - 3), $(NF - 2), $(NF - 1), $NF
        }
        /^bits:/ { print "\n`" $0 "`" }'
}

grouped() { sed -E ':a; s/([0-9])([0-9]{3})(,|\b)/\1,\2\3/; ta' <<<"$1"; }
figure() { grep -oE "\b$1=[0-9]+" <<<"$2" | tail -1 | cut -d= -f2; } # NAME TEXT

# Rows of a stage.
crash_rows() { # NAME NUMBER
    local lines line
    lines=$(tests/tools/crash.sh run "$2" "" 2>/dev/null) || { echo '...failed'; return 1; }
    while read -r line; do
        printf '| %s | %s | %s | %s | %s |\n' "$1" "$(sed -E 's/.*model=([a-z]+).*/\1/' <<<"$line")" \
            "$(grouped "$(figure states "$line")")" "$(grouped "$(figure distinct "$line")")" \
            "$(grouped "$(figure violations "$line")")"
    done < <(tail -3 <<<"$lines")
}

kill_rows() { # NAME NUMBER
    local said
    said=$(STRATA_STAGE=$2 TMPDIR=${TMPDIR:-/dev/shm} build/tests/crash/kill_real --times "$times" 2>&1) ||
        { echo "$said"; echo '...failed'; return 1; }
    printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$(grouped "$(figure times "$said")")" \
        "$(sed -nE 's/.*killed, ([0-9]+) of them with several.*/\1/p' <<<"$said")" \
        "$(sed -nE 's/.*; ([0-9]+) left a torn tail.*/\1/p' <<<"$said")" \
        "$(grouped "$(figure acknowledged "$said")")" "$(grouped "$(figure violations "$said")")"
}

case $what in
crash) printf '\n| stage | model | states | distinct | violations |\n|---|---|--:|--:|--:|\n' ;;
kill)
    printf '\n| stage | kills | with threads | torn tails dropped | writes acknowledged | violations |\n'
    printf '|---|--:|--:|--:|--:|--:|\n'
    ;;
esac
for stage in stages/*/stage.mk; do
    name=$(basename "$(dirname "$stage")")
    number=$((10#${name%%_*}))
    case $what in
    crash | kill) "${what}_rows" "$name" "$number" || exit 1; continue ;;
    esac
    printf '\n**%s**\n\n' "$name"
    STRATA_STAGE=$number build/tests/crash/"$what" | "${what}_table" || exit 1
done
