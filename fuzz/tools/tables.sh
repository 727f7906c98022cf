#!/bin/bash
# Tables for the book, as Markdown, of what was recorded in docs/fuzz and of what there is:
#
#   fuzz/tools/tables.sh targets|planted|mutator|coverage|unreached
set -u
value='function value(name,    t) { if (!match($0, " " name "=(\"[^\"]*\"|[^ ]*)")) return ""; t = substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2); gsub(/"/, "", t); return t }'

targets() {
    echo '| target | stages | the bytes are | it is to cover |'
    echo '|---|---|---|---|'
    while read -r name in file sources; do
        case $name in '' | \#*) continue ;; esac
        # shellcheck disable=SC2001
        echo "| $name | $in | $(case $name:$file in engine:*) echo operations ;; lineage:*) echo 'notes of a table' ;; *:-) echo text ;; *) echo "\`$file\`" ;; esac) | $(sed 's/stages\/%/the stage/' <<<"${sources// /, }") |"
    done <fuzz/targets.txt
}

planted() {
    echo '| bug | target | seconds | executions | what it said |'
    echo '|---|---|--:|--:|---|'
    awk "$value"'
        /^planted: / {
            what = value("what"); gsub(/\|/, "\\|", what); sub(/: violated/, "", what); gsub(/[<>`_*]/, "\\\\&", what)
            printf "| %s | %s | %s | %s | %s |\n", value("bug"), value("target"), value("found") == "yes" ? value("seconds") : "not found in " value("seconds"),
                value("execs") == 0 ? "a seed" : value("execs"), substr(what, 1, 90)
        }' docs/fuzz/planted.tsv
}

mutator() {
    echo '| target | edges without | with | corpus without | with | branches without | with | a second without | with |'
    echo '|---|--:|--:|--:|--:|--:|--:|--:|--:|'
    awk "$value"'
        /^mutator: / {
            line = "| " value("target")
            n = split("edges corpus branch per_s", fields, " ")
            for (i = 1; i <= n; i++) { split(value(fields[i]), two, "/"); line = line " | " two[1] " | " two[2] }
            print line " |"
        }' docs/fuzz/mutator.tsv
}

coverage() {
    echo '| target | branches | reached | | lines |'
    echo '|---|--:|--:|--:|--:|'
    awk -F'\t' '$1 == "coverage" { printf "| %s | %d | %d | %.1f %% | %.1f %% |\n", $2, $3, $4, 100 * $4 / $3, $5 }' docs/fuzz/unreached.tsv
}

unreached() {
    echo '| target | source | condition | | why |'
    echo '|---|---|---|---|---|'
    awk -F'\t' '$1 == "unreached" { gsub(/\|/, "\\|", $4); sub(/^.*\//, "", $3); printf "| %s | %s | `%s` | %s | %s |\n", $2, $3, $4, $5, $6 }' docs/fuzz/unreached.tsv
}

case ${1:-} in
targets | planted | mutator | coverage | unreached) "$1" ;;
*) echo "usage: tables.sh targets|planted|mutator|coverage|unreached" >&2; exit 2 ;;
esac
