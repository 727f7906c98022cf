#!/bin/bash
# Line and branch coverage of common/ and stages/ by the last test run of a MODE=cov build.
#
#   B=build/cov tests/tools/coverage.sh
set -u
B=${B:-build/cov}
lcov -q --rc lcov_branch_coverage=1 --capture --directory "$B/common" --directory "$B/stages" \
    --base-directory "$PWD" --no-external --output-file "$B/coverage.info" 2>"$B/lcov.log" ||
    { cat "$B/lcov.log" >&2; exit 1; }
awk -F'[:,]' '
    /^SF:/ { file = $2; sub(".*/(common|stages)/", "", file); match($2, /(common|stages)\/.*/); file = substr($2, RSTART) }
    /^LF:/ { lf[file] = $2 } /^LH:/ { lh[file] = $2 } /^BRF:/ { bf[file] = $2 } /^BRH:/ { bh[file] = $2 }
    function share(hit, of) { return of ? sprintf("%5.1f %%", 100 * hit / of) : "      -" }
    END {
        printf "%-40s %14s %16s\n", "file", "lines", "branches"
        for (f in lf) {
            printf "%-40s %5d %s %6d %s\n", f, lf[f], share(lh[f], lf[f]), bf[f], share(bh[f], bf[f]) | "sort"
            a += lf[f]; b += lh[f]; c += bf[f]; d += bh[f]
        }
        close("sort")
        printf "%-40s %5d %s %6d %s\n", "all", a, share(b, a), c, share(d, c)
        exit a == 0
    }' "$B/coverage.info"
