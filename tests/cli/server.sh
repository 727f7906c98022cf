#!/bin/bash
# server: strata serve, asked by redis-cli and by a client of a few lines of Python (server_client.py), on
# this machine's own addresses only.
here=$PWD/$(dirname "$0")
. "$(dirname "$0")/tap.bash"

fails serve_on_all_addresses_needs_a_password 2 'password-file' strata serve db --bind 0.0.0.0
: >empty
fails serve_with_an_empty_password_is_2 2 'first line' strata serve db --password-file empty
fails serve_without_its_password_file_is_4 4 'nowhere' strata serve db --password-file nowhere
code serve_port_is_a_number 2 strata serve db --port 65536
run strata serve db --port 0 --unix no/such/place
if [ $rc = 5 ]; then
    like serve_without_libuv_names_it "$err" 'libuv1-dev'
    for name in redis_cli python_client kill_under_load garbage passwords; do skip "server_$name" 'built without libuv'; done
    done_testing
fi
like serve_names_the_place_it_cannot_listen_on "$err" 'no/such/place'

begin() { # OPTION...: $server and $port
    rm -f log
    strata serve db --port 0 "$@" 2>log &
    server=$!
    wait_until grep -q 'listening on 127' log
    port=$(sed -n 's/.*listening on 127.0.0.1://p' log)
}
finish() { # how it ended: $rc
    kill "${1:--TERM}" "$server"
    wait "$server" 2>/dev/null
    rc=$?
}
trap 'kill -9 $server 2>/dev/null; rm -rf "$work"' EXIT
client() { timeout 120 python3 "$here/server_client.py" "$@"; }

# ---- redis-cli ----
if command -v redis-cli >/dev/null; then
    begin --unix db.sock
    r() { timeout 20 redis-cli -p "$port" "$@"; }
    prints server_ping PONG r ping
    prints server_set OK r set fruit apple
    prints server_get apple r get fruit
    prints server_del 1 r del fruit nothing
    prints server_get_of_nothing '' r get fruit
    like server_unknown_command "$(r nosuch 2>&1)" "^ERR unknown command 'nosuch'"
    prints server_on_a_unix_socket PONG timeout 20 redis-cli -s db.sock ping
    prints server_in_version_3 'PONG' r -3 ping
    r mset k1 a k2 b k3 c >/dev/null
    is server_scan_finds_every_key "$(r --scan | sort | tr '\n' ' ')" 'k1 k2 k3 '
    is server_scan_of_a_pattern "$(r --scan --pattern '*[23]' | sort | tr '\n' ' ')" 'k2 k3 '
    is server_multi_of_redis_cli "$(printf 'multi\nset n 1\nincr n\nexec\n' | timeout 20 redis-cli -p "$port" | tr '\n' ' ')" 'OK QUEUED QUEUED OK 2 '
    timeout 20 redis-cli -p "$port" shutdown >/dev/null
    wait "$server"
    is server_ends_by_shutdown $? 0
    prints server_wrote_what_the_command_line_reads b strata get db k2
    begin --sync interval
    code server_answers_redis_benchmark 0 timeout 60 redis-benchmark -p "$port" -q -n 2000 -c 20 -P 8 -t set,get,incr,mset
    finish
    is server_ends_by_sigterm $rc 0
    rm -rf db
else
    skip server_redis_cli 'there is no redis-cli'
fi

# ---- A client of our own ----
command -v python3 >/dev/null || { skip server_python_client 'there is no python3'; done_testing; }
begin
client replies "$port" >out 2>&1
code=$?
while read -r word name; do
    case $word in ok) pass "server_$name" ;; not) fail "server_$name" "$name" ;; esac
done < <(grep -aE '^(ok|not) ' out)
is server_has_every_reply "$code" 0
[ $code = 0 ] || sed 's/^/# /' out | tail -5

for what in garbage slow_reader half_open crowd pieces; do
    run client "$what" "$port"
    is "server_bears_$what" "$rc$out$err" 0
done
finish
is server_ends_after_all_that $rc 0
rm -rf db

# ---- Killed: what was answered is there, and a MULTI whole ----
for round in 1 2 3; do
    begin --sync "$(echo never always interval | cut -d' ' -f$round)"
    client load "$port" "said$round" 2>/dev/null &
    loader=$!
    wait_until test -s "said$round"
    sleep 0.5
    finish -KILL
    wait $loader
    begin
    run client check "$port" "said$round"
    is "server_killed_${round}_lost_nothing" "$rc$err" 0
    finish
    prints "server_killed_${round}_left_no_damage" 'db: no damage' strata verify db
    rm -rf db
done

# ---- Ended under load: the same, and the exit code is 0 ----
begin --sync interval
client load "$port" said 2>/dev/null &
loader=$!
wait_until test -s said
sleep 0.5
finish
is server_ends_under_load $rc 0
wait $loader
begin
run client check "$port" said
is server_ended_under_load_lost_nothing "$rc$err" 0
finish
rm -rf db

# ---- Limits ----
begin --idle-timeout 1
run client idle "$port"
is server_ends_idle_connections "$rc$out$err" 0
finish
begin --client-memory 20M
run client memory_bound "$port"
is server_bounds_the_memory_of_clients "$rc$out$err" 0
like server_tells_whom_it_closed "$(cat log)" 'client [0-9]+ is closed: it holds'
finish

# ---- What is durable, and copies ----
begin --sync interval --backups saves
run client saves "$port"
is server_saves_and_syncs "$rc$out$err" 0
prints server_backup_is_a_database $'fruit\tapple' strata scan "$(ls -d saves/* | head -1)" --prefix fruit
finish
begin --backups saves
run client backup "$port"
finish
is server_waits_for_its_backup "$rc $(tail -1 log)" '0 strata: serve: stopped'
rm -rf db saves

# ---- HTTP ----
rm -f log
strata serve db --port 0 --http 0 --sync never --memtable 1M 2>log &
server=$!
if wait_until grep -q 'listening on 127' log 2>/dev/null && command -v curl >/dev/null; then
    port=$(sed -n 's/.*listening on 127.0.0.1://p' log)
    web=http://$(sed -n 's/.*HTTP on //p' log)
    get() { curl -s --max-time 20 "$@"; }
    client ping "$port"
    prints server_is_healthy ok get "$web/healthz"
    get "$web/metrics" >metrics
    like server_metrics_have_the_commands "$(cat metrics)" 'strata_server_commands [1-9]'
    like server_metrics_have_the_engine "$(cat metrics)" 'strata_fs_bytes_written [1-9]'
    is server_metrics_are_lines_of_prometheus "$(grep -cvE '^# (HELP strata_[a-z0-9_]+ .|TYPE strata_[a-z0-9_]+ untyped$)|^strata_[a-z0-9_]+ [0-9]+$' metrics)" 0
    is server_metrics_are_each_there_once "$(grep -v '^#' metrics | cut -d' ' -f1 | sort | uniq -d)" ''
    if command -v promtool >/dev/null; then code server_metrics_please_promtool 0 promtool check metrics <metrics; fi
    is server_stats_are_json "$(get "$web/stats" | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["server"]["failing"], s["server"]["connections"] > 0, s["engine"]["puts"])')" '0 True 0'
    run client fill "$port"
    is server_has_the_cache_of_the_library "$rc $(get "$web/stats" | python3 -c 'import json, sys; s = json.load(sys.stdin)["engine"]; print(s["cache_evictions"], s["cache_bytes"] > 8 << 20)')" '0 0 True'
    is server_page_that_is_not_there "$(get -o /dev/null -w '%{http_code}' "$web/nosuch")" 404
    is server_method_that_it_has_not "$(get -o /dev/null -w '%{http_code}' -d x=1 "$web/stats")" 405
    like server_content_type "$(get -I "$web/metrics")" 'text/plain; version=0.0.4'
    code server_port_of_http_is_taken 4 strata serve db2 --port 0 --http "${web##*:}"
    finish
    is server_with_http_ends $rc 0
else
    skip server_http "$(tail -1 log)"
    kill "$server" 2>/dev/null
    wait "$server"
fi
rm -rf db db2

# ---- A password ----
echo 'open sesame' >secret
begin --password-file secret
run client password "$port" 'open sesame'
is server_asks_for_its_password "$rc$out$err" 0
finish
done_testing
