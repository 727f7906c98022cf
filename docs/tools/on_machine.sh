#!/bin/bash
# What a command prints, for docs/numbers.md; the machine first.
#
#   docs/tools/on_machine.sh COMMAND...
set -u
printf 'Run on %s on %s, %s cores; Linux %s.\n' "$(date +%F)" \
    "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" "$(uname -r)"
"$@" 2>/dev/null
