#!/bin/bash
# The comparison of memtables, for docs/numbers.md; the machine first.
#
#   docs/tools/memtables.sh OPTION...     options of strata-memtables
set -u
printf 'Run on %s on %s, %s cores; Linux %s.\n' "$(date +%F)" \
    "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" "$(uname -r)"
build/bench/strata-memtables "$@" 2>/dev/null
