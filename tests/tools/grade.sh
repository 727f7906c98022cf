#!/bin/bash
# A grade for an engine of a learner's: make grade, which has run make judge (tests/tools/check.sh) before.
#
#   B=build STAGE=N tests/tools/grade.sh ENGINE [DIR]    DIR: where make start wrote the stage; its sittings count too
#
# A promise is kept when no test that tells of it (tests/tools/promises.tsv) failed, and one at least ran; there is no
# half of it. Promises of which no test ran are left out. Without DIR the points are kept promises of those asked for,
# of 100. With DIR that is one half of the points, and the sittings are the other: each counts the same, and in it the
# share of its tests that are green.
set -u
B=${B:-build} engine=$1 dir=${2:-}
out=$B/check

# "ok SUITE TEST" or "bad SUITE TEST" of all that ran.
outcomes() {
    local log suite
    for log in "$out"/logs/*.log; do
        [ -e "$log" ] || continue
        suite=$(basename "${log%.log}" | sed -E 's/^stage_[0-9]+_//')
        grep -aE '^(not )?ok ' "$log" | grep -av '# *SKIP' | sed -E "s/^ok [0-9]* *-? */ok $suite /; s/^not ok [0-9]* *-? */bad $suite /"
    done
    sed -nE 's/^crash: stage=[0-9]* model=([a-z]*) .* violations=([0-9]+)$/\2 strata_crash \1/p' "$out/crash.txt" 2>/dev/null |
        sed -E 's/^0 /ok /; t; s/^[0-9]+/bad/'
}

sittings=
if [ -n "$dir" ]; then
    tests/tools/sittings.sh progress "$dir" >"$B/check.progress" 2>/dev/null || exit 2
    # a line of a sitting ends with "GREEN of ASKED", or with "GREEN of ASKED: done"
    sittings=$(sed -nE 's/^[0-9]+ .* ([0-9]+) of ([0-9]+)(: done)?$/\1 \2/p' "$B/check.progress" |
        awk '$2 { n++; sum += $1 / $2 } END { printf "%d", n ? 100 * sum / n : 0 }')
    cat "$B/check.progress"
    echo
fi
# What the stage does not promise it has to refuse.
cut=$("$B/strata" stages | sed -n "/^stage $STAGE /,/^stage [^$STAGE]/p" | grep -c '^  power-cut ')
outcomes | awk -v table=tests/tools/promises.tsv -v sittings="$sittings" -v engine="$engine" -v stage="$STAGE" -v cut="$cut" -v report="$B/check.txt" '
    BEGIN { while ((getline line < table) > 0) if (line !~ /^(#|$)/) { split(line, f, "\t"); pattern[++n] = f[1]; text[n] = f[2] } }
    {
        for (i = 1; i <= n && $2 " " $3 !~ pattern[i]; i++) ;
        if (text[i] ~ /survives a power cut/ && !cut)
            for (i = 1; text[i] !~ /the rest it refuses/; i++) ;
        if (i > n) text[i] = "other"
        $1 == "ok" ? good[i]++ : bad[i]++
    }
    END {
        for (i = 1; i <= n + 1; i++) {
            if (!good[i] && !bad[i]) continue
            asked++
            if (!bad[i]) kept++
            printf "%-7s %3d of %3d tests pass  %s\n", bad[i] ? "BROKEN" : "kept", good[i], good[i] + bad[i], text[i]
        }
        if (!asked) while ((getline line < report) > 0) if (line != "") print line
        printf "%s keeps %d of the %d promises of stage %d that it was asked for\n", engine, kept, asked, stage
        points = asked ? 100 * kept / asked : 0
        printf "points: %d of 100%s\n", sittings == "" ? points : (points + sittings) / 2, \
            sittings == "" ? "" : sprintf(" (sittings %d, promises %d)", sittings, points)
    }'
