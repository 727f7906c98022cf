#!/bin/bash
# Runs `make faults` or `make bits` for every stage and prints what came out as Markdown, machine
# and date first.
#
#   docs/tools/crash_tables.sh faults|bits
set -u
what=$1
machine() {
    awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo
}
printf 'Run on %s on %s; Linux %s.\n' "$(date +%F)" "$(machine)" "$(uname -r)"

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
            print "\n| loop | runs | errors told | bad |\n|---|--:|--:|--:|"
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

for stage in stages/*/stage.mk; do
    name=$(basename "$(dirname "$stage")")
    number=$((10#${name%%_*}))
    printf '\n**%s**\n\n' "$name"
    STRATA_STAGE=$number build/tests/crash/"$what" | "${what}_table" || exit 1
done
