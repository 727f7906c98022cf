#!/bin/bash
# What the machine can do, and each workload's distance from it: that every limit is measured and
# told in two forms, and that the distances are what the limits and a run make them.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-limits" ] ||
    { echo "not ok - there is no $built/bench/strata-limits: make bench-build"; exit 1; }
ln -s "$built/bench/strata-limits" "$built/bench/strata-bench" "$work/bin"
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
all='touch_huge touch_4k memcpy_4k memcpy_large load load_huge xxh3_4k lz4_pack_4k lz4_unpack_4k pread_4k write_132 store_132 write_seq write_seq_synced fdatasync_append fdatasync_room '

# ---- The program ----
run strata-limits --help
is help_ends_with_0 "$rc $err" "0 "
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
run $example
is help_example_measures_all "$rc $(awk -F' *[|] *' '/ns|MB/ { printf "%s ", $2 }' <<<"$out")" "0 $all"
is no_limit_is_nothing "$(awk -F' *[|] *' '/ns|MB/ && $3 < 1' <<<"$out")" ""
like best_is_least_time "$(awk -F' *[|] *' '$6 == "ns" { print ($3 <= $4 && $4 <= $5) }' <<<"$out" | sort -u)" '^1$'
like best_is_most_bytes "$(awk -F' *[|] *' '$6 == "MB/s" { print ($3 >= $4 && $4 >= $5) }' <<<"$out" | sort -u)" '^1$'
run strata-limits --json --size=2 --seconds=0.0001
is json_is_json "$rc $(python3 -c 'import json, sys; print(*[l["limit"] for l in json.load(sys.stdin)["limits"]], "")' <<<"$out")" "0 $all"
is nothing_is_left_behind "$(ls "$TMPDIR" && ls)" ""
for argument in --nothing --size= --size=1 --size=1e9 --seconds=0 --seconds=x ''; do
    fails "argument_${argument}_is_2" 2 'is no option, or no value for it' strata-limits "$argument"
done
fails directory_that_is_not_there_is_4 4 'pread_4k, in nowhere' strata-limits --size=2 --seconds=0.0001 nowhere

# ---- Distances: of one run of the driver, beside what its limits make them ----
works=fillseq,fillbatch,fillsync,fill100K,filluniquerandom,overwrite,readrandom,readmissing,readhot,readsmallcache,readseq,readreverse,seekrandom,compact,settle,ycsba,fillsync8 # the last three have none
run strata-bench --engines=newest --num=2000 --value_size=184 --benchmarks=$works --limits --json=r.json --figures=ops_per_s
is run_with_limits_tells_them "$rc $(sed -n '/^limits/,/^$/p' <<<"$out" | awk 'NR > 1 && NF { printf "%s ", $1 }')" "0 $all"
is table_of_distances_is_the_last "$(sed -n '/^times its limit/,$p' <<<"$out" | awk '{ printf "%s ", $1 }')" \
    "times $(tr ',' ' ' <<<"${works%,settle*}") "
cat >look.py <<'END'
import json
d = json.load(open("r.json"))
l = {x["limit"]: x["best"] for x in d["limits"]}
entry, huge, copy = 200, l["load_huge"], 1e3 / l["memcpy_large"]
want = {w: l["store_132"] for w in ("fillseq", "fillbatch")}
want.update({w: l["store_132"] + huge for w in ("filluniquerandom", "overwrite")})
want.update(fillsync=l["fdatasync_room"], fill100K=1e8 / l["write_seq"], readrandom=2 * huge, readmissing=huge, readhot=huge,
    readsmallcache=l["pread_4k"] + l["xxh3_4k"] + l["lz4_unpack_4k"], readseq=entry * copy, readreverse=entry * copy,
    seekrandom=2 * huge + 11 * entry * copy, compact=entry * 2000 / 4096 * (l["lz4_unpack_4k"] + l["lz4_pack_4k"] + 2 * l["xxh3_4k"]))
for r in d["runs"]:
    w = want.get(r["workload"])
    assert (w is None) == (r["times_limit"] is None), r["workload"]
    if w:
        assert abs(r["limit_us"] * 1e3 / w - 1) < 1e-3, (r["workload"], r["limit_us"], w)
        assert abs(r["times_limit"] * r["limit_us"] / r["micros_per_op"] - 1) < 1e-3, r["workload"]
print(len(want))
END
run python3 look.py
is distances_are_what_limits_make_them "$rc $out" "0 14"
run strata-bench --stage=6 --num=300 --benchmarks=fillseq,fillsync --limits --json=s.json
is distance_of_a_synced_put_is_a_sync "$rc $(python3 -c 'import json; r = json.load(open("s.json"))["runs"]; print(r[0]["limit_us"] == r[1]["limit_us"])')" "0 True"
is nothing_is_left_behind_by_runs "$(ls "$TMPDIR")" ""
done_testing
