#!/bin/bash
# What each stage in this build promises, as a Markdown table, from `strata stages`.
#
#   docs/tools/promise_table.sh         all stages
#   docs/tools/promise_table.sh gained  one line a stage: its name, a tab, what the stage before lacks
build/strata stages | awk -v gained="${1:-}" '
    /^stage / { name = $3; stages[++n] = name; number[n] = $2; next }
    /^  survives / { next }
    {
        word = $1
        sub(/^ +[^ ]+ +/, "")
        if (!(word in text)) { words[++m] = word; text[word] = $0 }
        has[name, word] = 1
    }
    END {
        if (gained) {
            for (i = 1; i <= n; i++) {
                line = ""
                for (j = 1; j <= m; j++)
                    if (has[stages[i], words[j]] && !(i > 1 && has[stages[i - 1], words[j]]))
                        line = line (line == "" ? "" : "; ") text[words[j]]
                print stages[i] "\t" line
            }
            exit
        }
        head = "| stage |"; rule = "|---|"
        for (i = 1; i <= n; i++) { head = head " " number[i] " |"; rule = rule ":-:|" }
        print head; print rule
        for (j = 1; j <= m; j++) {
            line = "| " text[words[j]] " |"
            for (i = 1; i <= n; i++) line = line (has[stages[i], words[j]] ? " yes |" : " no |")
            print line
        }
    }'
