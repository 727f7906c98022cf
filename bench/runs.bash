# runs.bash: reads what strata-bench --json has written, one run a line.
#
# runs FILE FIELD...: a line a run: engine TAB workload TAB the fields that were asked for; "-": not
# measured.
runs() {
    local file=$1
    shift
    awk -v fields="$*" '
        function text(name) { return match($0, "\"" name "\": \"[^\"]*\"") ? substr($0, RSTART + length(name) + 5, RLENGTH - length(name) - 6) : "" }
        function number(name) { return match($0, "\"" name "\": [0-9.e+-]+") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) : "-" }
        /"workload": / {
            line = (text("engine") == "strata" ? "Strata " number("stage") : text("engine")) "\t" text("workload")
            count = split(fields, field, " ")
            for (i = 1; i <= count; i++) line = line "\t" number(field[i])
            print line
        }' "$file"
}
# The files sizes-N.json of a directory, ascending in N.
sizes_in() {
    local file
    for file in "$1"/sizes-*.json; do [ -f "$file" ] && echo "$file"; done | sort -t- -k2 -V
}
size_of() { # .../sizes-N.json
    local name=${1##*-}
    echo "${name%.json}"
}
