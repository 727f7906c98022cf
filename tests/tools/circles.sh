#!/bin/bash
# No circles between files: where a.c uses a function or variable of b.c, and b.c, itself or by others, one of
# a.c, neither can be read, tested or replaced without the other. Read from the symbols of the objects.
#
#   B=build tests/tools/circles.sh DIR...    all DIRs together
#
# Prints each circle's files on a line, and below it the calls between them.
set -u
B=${B:-build}
[ $# -gt 0 ] || { echo "usage: circles.sh DIR..." >&2; exit 2; }

objects() {
    local object source
    find "${@/#/$B/}" -name '*.o' | sort | while read -r object; do
        source=${object#"$B"/}
        if [ -e "${source%.o}.c" ]; then echo "$object"; fi # else it was moved or removed since
    done
}
objects "$@" | xargs -r nm -A -g 2>/dev/null | awk -v B="$B/" -v dirs="$*" '
    {
        file = $0; sub(/\.o:.*/, ".c", file); file = substr(file, length(B) + 1)
        if (!(file in number)) { number[file] = ++files; name[files] = file }
        if ($(NF - 1) ~ /^[Uwv]$/) uses[file, $NF] = 1
        else if ($NF in owner) shared[$NF] = 1 # main, say: which one is meant is unknown
        else owner[$NF] = file
    }
    function reach(from, to,    i, node, at, n, queue, seen) {
        queue[n = 1] = from
        for (at = 1; at <= n; at++)
            for (i = 1; i <= out[queue[at]]; i++) {
                node = next_of[queue[at], i]
                if (node == to) return 1
                if (!(node in seen)) { seen[node] = 1; queue[++n] = node }
            }
        return 0
    }
    END {
        for (use in uses) {
            split(use, part, SUBSEP)
            to = owner[part[2]]
            if (to == "" || part[2] in shared || to == part[1]) continue
            if (!((part[1], to) in calls)) next_of[part[1], ++out[part[1]]] = to
            calls[part[1], to] = calls[part[1], to] " " part[2]
        }
        for (i = 1; i <= files; i++) {
            a = name[i]
            if (a in done || !reach(a, a)) continue
            members = 0
            for (j = i; j <= files; j++)
                if (reach(a, name[j]) && reach(name[j], a)) { member[++members] = name[j]; done[name[j]] = 1 }
            circles++
            line = "circles:"
            for (j = 1; j <= members; j++) line = line " " member[j]
            print line >"/dev/stderr"
            for (j = 1; j <= members; j++) for (k = 1; k <= members; k++)
                if ((member[j], member[k]) in calls)
                    print "  " member[j] " -> " member[k] ":" calls[member[j], member[k]] >"/dev/stderr"
        }
        if (!files) { print "circles: no objects of " dirs ": build first" >"/dev/stderr"; exit 1 }
        printf "circles: %d files of %s, %s\n", files, dirs, circles ? circles " found" : "none"
        exit circles > 0
    }'
