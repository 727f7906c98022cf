#!/bin/bash
# Line and branch coverage of common/ and stages/ by the last test run of a MODE=cov build, whose
# counts are in $B/counts (one set for each kind of suite, see run.sh), held against
# tests/coverage.txt (see there). Exit code 1 below a floor, or when that file is not true.
#
#   B=build/cov tests/tools/coverage.sh [--all]     --all: every branch not taken, also above a floor
#   REPORT=build/coverage                           the pages: index.html in it
#
# lcov reads the counts. The branches that tests/coverage.txt excuses are removed from its trace: what
# remains is what the table counts and what genhtml makes pages of. In these a line with an excuse ends
# with LCOV_EXCL_BR_LINE, lcov's word for it, and the reason.
set -u -o pipefail
export B=${B:-build/cov} LC_ALL=C
export GCOV=${GCOV:-gcov-12} # what is a branch differs between compilers: one counts
REPORT=${REPORT:-build/coverage}
list=tests/coverage.txt
command -v lcov >/dev/null || { echo "coverage.sh: there is no lcov (tests/tools/install.sh coverage)" >&2; exit 1; }
[ -n "$(find "$B/counts" -name '*.gcda' -print -quit 2>/dev/null)" ] ||
    { echo "coverage.sh: no test of $B was run" >&2; exit 1; }

trace() { # OUTPUT ARGUMENT...: lcov, which is heard only when it fails
    local out=$1
    shift
    lcov --quiet --rc lcov_branch_coverage=1 --rc lcov_function_coverage=0 --gcov-tool "$GCOV" "$@" -o "$out" >"$out.log" 2>&1 ||
        { cat "$out.log" >&2; return 1; }
}
capture() { # SET: its trace beside it
    local set=${1%/} data
    mapfile -t data < <(cd "$set" && find . \( -path './common/*' -o -path './stages/*' \) -name '*.gcda')
    [ ${#data[@]} -gt 0 ] || return 0
    (cd "$B" && cp --parents -t "counts/$(basename "$set")" "${data[@]/%.gcda/.gcno}") && # gcov wants them beside the counts
        trace "$set.info" --capture --no-external --base-directory "$PWD" --directory "$set/common" --directory "$set/stages"
}
export -f trace capture
rm -rf "$B"/counts/*.info "$B/source" "$REPORT"
printf '%s\0' "$B"/counts/*/ | xargs -0 -n 1 -P "$(nproc)" bash -c 'capture "$1"' _ || exit 1
sets=()
for set in "$B"/counts/*.info; do sets+=(--add-tracefile "$set"); done
trace "$B/all.info" "${sets[@]}" || exit 1

# Twice over the trace: which branches were not taken, and then the trace without those that are excused.
awk -v all="${1:-}" -v list="$list" -v root="$PWD/" -v copy="$PWD/$B/source/" -v report="$B/coverage.info" -v sums="$B/sums.txt" '
    function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
    function bad(text) { print text; wrong++ }
    function share(hit, of) { return of ? sprintf("%5.1f %%", 100 * hit / of) : "      -" }
    function lies_in(file, dir) { return index(file, dir "/") == 1 }
    function line_of(record) { sub(/^[A-Z]*:/, "", record); return record + 0 }
    function count_of(record) { sub(/.*,/, "", record); return record + 0 }
    function read_source(file) {
        files[file] = 1
        while ((getline whole[file, ++last[file]] <file) > 0) {
            text[file, last[file]] = trim(whole[file, last[file]])
            known[file ": " text[file, last[file]]] = 1
        }
        last[file]--
        close(file)
    }
    # Of the branches that were not taken, as many as an entry names are excused.
    function excuse_all(    i, e, file) {
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
    }
    # What genhtml shows: the source, with the excuses.
    function copy_source(file,    dir, i, e) {
        dir = copy file; sub(/\/[^\/]*$/, "", dir)
        if (!made[dir]++) system("mkdir -p \"" dir "\"")
        for (i = 1; i <= last[file]; i++) {
            e = file ": " text[file, i]
            print whole[file, i] (mark[file, i] ? " // LCOV_EXCL_BR_LINE, " mark[file, i] " of " branches[file, i] ": " why[e] : "") >(copy file)
        }
        close(copy file)
    }
    function tell(file,    i) {
        for (i = 1; i <= last[file]; i++)
            if (missed[file, i])
                printf "%s:%d: %d of %d branches not taken: %s\n", file, i, missed[file, i],
                    branches[file, i], text[file, i]
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
        why[entry] = $0; sub(/^ *[0-9]+ */, "", why[entry])
        order[++entries] = entry
        at[entry] = FNR
        entry = ""
        next
    }

    # ---- the trace, for the first time: DA:LINE,COUNT and BRDA:LINE,BLOCK,BRANCH,COUNT
    /^SF:/ {
        path = substr($0, 4)
        file = index(path, root) == 1 ? substr(path, length(root) + 1) : path
        if (!(file in files)) read_source(file)
        if (second) print "SF:" copy file >report
        next
    }
    !second && /^DA:/ { lines[file]++; if (count_of($0) > 0) lines_run[file]++; next }
    !second && /^BRDA:/ {
        total[file]++; branches[file, line_of($0)]++
        if (count_of($0) > 0) hit[file]++
        else { missed[file, line_of($0)]++; open[file ": " text[file, line_of($0)]]++ }
        next
    }
    !second { next }

    # ---- and again
    !excused_all { excuse_all(); excused_all = 1 }
    /^BRDA:/ && count_of($0) <= 0 {
        k = file ": " text[file, line_of($0)]
        if (gone[k] < spare[k]) { gone[k]++; missed[file, line_of($0)]--; mark[file, line_of($0)]++; next }
    }
    /^(DA|BRDA|end_of_record)/ { print >report }

    END {
        printf "%-38s %15s %17s %8s\n", "file", "lines", "branches", "excused"
        for (f in files) {
            want = total[f] - excused[f]
            printf "%-38s %6d %s %8d %s %8s\n", f, lines[f], share(lines_run[f], lines[f]), total[f],
                share(hit[f], want), excused[f] ? excused[f] : "" | "sort"
            copy_source(f)
            all_lines += lines[f]; all_run += lines_run[f]; all_want += want; all_hit += hit[f]
            stage = match(f, /^stages\/[^\/]*\//) ? substr(f, 1, RLENGTH - 1) : ""
            if (stage != "" && !(stage in floor)) {
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
        printf "%-38s %6d %s %8d %s\n\n", "all", all_lines, share(all_run, all_lines), all_want, share(all_hit, all_want)
        printf "lines %d of %d\nbranches %d of %d\n", all_run, all_lines, all_hit, all_want >sums
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
    }' "$list" "$B/all.info" second=1 "$B/all.info"
rc=$?

genhtml --branch-coverage --no-function-coverage --legend --title Strata --prefix "$PWD/$B/source" \
    --rc genhtml_hi_limit=95 --rc genhtml_branch_hi_limit=95 --output-directory "$REPORT" "$B/coverage.info" >"$B/genhtml.log" 2>&1 || { cat "$B/genhtml.log" >&2; exit 1; }
# The table and the pages have the same sums.
sed -nE 's/^ *(lines|branches)\.+: .*\(([0-9]+ of [0-9]+) .*/\1 \2/p' "$B/genhtml.log" | diff "$B/sums.txt" - ||
    { echo "coverage.sh: the pages (>) have other sums than the table (<)" >&2; exit 1; }
echo "line by line: $REPORT/index.html"
exit $rc
