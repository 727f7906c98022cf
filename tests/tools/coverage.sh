#!/bin/bash
# Line and branch coverage of common/ and stages/ by the last test run of a MODE=cov build, whose
# counts stand in $B/counts (one set for each kind of suite, see run.sh), held against
# tests/coverage.txt (see there). Exit code 1 below a floor, or when that file is not true.
#
#   B=build/cov tests/tools/coverage.sh [--all]     --all: every branch not taken, also above a floor
set -u
B=${B:-build/cov}
GCOV=${GCOV:-gcov-12} # what is a branch differs between compilers: one counts
list=tests/coverage.txt
rm -f "$B/coverage.gcov"
for set in "$B"/counts/*/; do
    mapfile -t data < <(find "$set"common "$set"stages -name '*.gcda' | sort)
    [ ${#data[@]} -gt 0 ] || continue
    (cd "$B" && find common stages -name '*.gcno' -exec cp --parents -t "counts/$(basename "$set")" {} +)
    "$GCOV" -b -c -r -t "${data[@]}" >>"$B/coverage.gcov" 2>"$B/gcov.log" || { cat "$B/gcov.log" >&2; exit 1; }
done
[ -s "$B/coverage.gcov" ] || { echo "coverage.sh: no test of $B was run" >&2; exit 1; }
awk -v all="${1:-}" -v list="$list" '
    function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
    function bad(text) { print text; wrong++ }
    function share(hit, of) { return of ? sprintf("%5.1f %%", 100 * hit / of) : "      -" }
    function lies_in(file, dir) { return index(file, dir "/") == 1 }
    # Branches not taken that no entry excuses: at most as many as the entry names.
    function tell(file,    i, k, left, of) {
        for (i = 1; i <= last[file]; i++)
            if (missed[file, i]) {
                k = file ": " trim(text[file, i])
                of = spare[k] < missed[file, i] ? spare[k] : missed[file, i]
                spare[k] -= of
                if (missed[file, i] > of)
                    printf "%s:%d: %d of %d branches not taken: %s\n", file, i, missed[file, i] - of,
                        branches[file, i], trim(text[file, i])
            }
    }

    # ---- tests/coverage.txt: its words
    FILENAME == list && (/^#/ || /^$/) { next }
    FILENAME == list && $1 == "floor" { floor[$2] = $3; floors[++floor_count] = $2; next }
    FILENAME == list && $1 == "decoder" { decoder[$2] = 1; decoders[++decoder_count] = $2; next }
    FILENAME == list && /^[^ ]/ { entry = $0; next }
    FILENAME == list {
        if (entry == "" || $1 + 0 < 1 || NF < 2)
            bad(list ":" FNR ": neither a line of the source nor its count and reason")
        else if (entry in excuse)
            bad(list ":" FNR ": a second time: " entry)
        excuse[entry] = $1 + 0
        order[++entries] = entry
        at[entry] = FNR
        entry = ""
        next
    }

    # ---- what gcov says; a header is told once for every object that includes it
    /^ *-: +0:Source:/ { file = $0; sub(/.*0:Source:/, "", file); ours = file ~ /^(common|stages)\//; next }
    !ours || /^ *-: +0:/ { next }
    /^ *[-0-9#=]+\*?: *[0-9]+:/ {
        count = $1; sub(/:.*/, "", count)
        split($0, part, ":"); line = part[2] + 0; n = 0
        source = $0; sub(/^[^:]*:[^:]*:/, "", source)
        text[file, line] = source
        if (line > last[file]) last[file] = line
        if (count == "-") next
        if (!((file, line) in run)) { run[file, line] = 0; lines[file]++; files[file] = 1 }
        if (count ~ /^[0-9]/ && !run[file, line]) { run[file, line] = 1; lines_run[file]++ }
        next
    }
    /^branch / {
        k = file SUBSEP line SUBSEP n++
        if (!(k in taken)) { taken[k] = 0; total[file]++; branches[file, line]++; missed[file, line]++ }
        if (!/never executed/ && $4 + 0 > 0 && !taken[k]) { taken[k] = 1; hit[file]++; missed[file, line]-- }
    }

    END {
        for (k in missed) if (missed[k]) {
            split(k, part, SUBSEP)
            open[part[1] ": " trim(text[k])] += missed[k]
        }
        for (k in text) { split(k, part, SUBSEP); known[part[1] ": " trim(text[k])] = 1 }
        for (i = 1; i <= entries; i++) {
            e = order[i]
            file = e; sub(/:.*/, "", file)
            spare[e] = excuse[e] < open[e] ? excuse[e] : open[e]
            excused[file] += spare[e]
            if (!(e in known)) bad(list ":" at[e] ": there is no such line: " e)
            else if (open[e] < excuse[e])
                bad(sprintf("%s:%d: %d branches, it says, are out of reach, and %d were not taken: %s", list,
                    at[e], excuse[e], open[e], e))
        }
        printf "%-38s %15s %17s %8s\n", "file", "lines", "branches", "excused"
        for (f in files) {
            want = total[f] - excused[f]
            printf "%-38s %6d %s %8d %s %8s\n", f, lines[f], share(lines_run[f], lines[f]), total[f],
                share(hit[f], want), excused[f] ? excused[f] : "" | "sort"
            stage = f
            sub(/\/[^\/]*$/, "", stage)
            if (stage ~ /^stages\// && !(stage in floor)) {
                floor[stage] = floor["stages/*"]
                floors[++floor_count] = stage
            }
        }
        close("sort")
        for (f in files) for (i = 1; i <= floor_count; i++) if (lies_in(f, g = floors[i])) {
            group_lines[g] += lines[f]; group_run[g] += lines_run[f]; group_total[g] += total[f]
            group_hit[g] += hit[f]; group_excused[g] += excused[f]
        }
        print ""
        for (i = 1; i <= floor_count; i++) {
            g = floors[i]
            if (g == "stages/*") continue
            if (!(g in group_total)) { bad(list ": floor " g ": there is no such directory"); continue }
            want = group_total[g] - group_excused[g]
            printf "%-38s %6d %s %8d %s %8s   floor %s %%\n", g "/", group_lines[g],
                share(group_run[g], group_lines[g]), group_total[g], share(group_hit[g], want),
                group_excused[g] ? group_excused[g] : "", floor[g]
        }
        print ""
        for (i = 1; i <= floor_count; i++) {
            g = floors[i]
            if (!(g in group_total)) continue
            want = group_total[g] - group_excused[g]
            low = 100 * group_hit[g] < floor[g] * want
            if (low) bad(sprintf("%s/ is below its floor: %.2f %% of its branches are taken, not %s %%", g,
                100 * group_hit[g] / want, floor[g]))
            if (low || all) for (f in files) if (lies_in(f, g) && !(f in decoder) && !(f in told)) { tell(f); told[f] = 1 }
        }
        for (i = 1; i <= decoder_count; i++) {
            f = decoders[i]
            if (!(f in files)) bad(list ": decoder " f ": there is no such file")
            else if (hit[f] < total[f] - excused[f]) {
                bad(sprintf("%s decodes what others wrote: every branch is to be taken, and %d of %d are", f,
                    hit[f], total[f] - excused[f]))
                tell(f)
            }
        }
        printf "%d floors, %d decoders, %d excuses: %s\n", floor_count - 1, decoder_count, entries,
            wrong ? wrong " fail" : "all hold"
        exit wrong > 0
    }' "$list" "$B/coverage.gcov"
