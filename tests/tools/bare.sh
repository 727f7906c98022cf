#!/bin/bash
# Runs the README's commands on a minimal Debian: debootstrap's smallest variant with make and git, in
# a chroot, with a fresh clone of HEAD. What a test machine happens to have hides nothing there.
#
#   tests/tools/bare.sh [TARGET...] [NAME=VALUE...]    make targets (tour test), variables for them
#
# QUICK=1: as root alone. Without, as an ordinary user first, who may install nothing.
#
# Needs root, debootstrap and namespaces (unshare); where one is missing, or no package can be had, it
# says so and counts as skipped. SUITE=bookworm is the Debian, BARE=build/bare where it is kept.
#
#   build/bare/SUITE.tar   the minimal Debian, kept for next time, as are the packages in build/bare/debs
#   build/bare/*.log       what each step printed
#   build/bare/root.*      where a run works: a copy, removed at its end
#
# Packages come from where this machine's apt has them: its Debian sources, its Acquire settings,
# certificates, resolver and proxies. /proc and /dev are mounted in a mount namespace of the step's own, which
# nothing outside sees: removing build/ cannot reach through them, whatever has become of a run.
#
# The last line is "N passed, N failed", with ", N skipped".
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=${BARE:-$PWD/build/bare} debs=$dir/debs suite=${SUITE:-bookworm}
targets=() variables=()
for word in "$@"; do
    case $word in *=*) variables+=("$word") ;; *) targets+=("$word") ;; esac
done
[ ${#targets[@]} -gt 0 ] || targets=(tour test)
passed=0 failed=0 child=

finish() {
    echo "$passed passed, $failed failed${1:+, $1 skipped}"
    exit $((failed > 0))
}
skip() { # REASON [LOG]
    echo "SKIPPED: $1"
    [ -z "${2:-}" ] || tail -n 5 "$2" | sed 's/^/        | /'
    finish 1
}
clean_up() {
    [ -z "$child" ] || { kill -9 "$child" && wait "$child"; } 2>/dev/null # with it end its namespaces
    rm -rf --one-file-system "$dir"/root.$$.* "$dir"/new.$$*
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- The minimal Debian ----------------------------------------------------------------------

# "URI SUITE COMPONENT" of each Debian source of this machine's apt.
sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
        awk -v suite="$suite" '$2 == suite || index($2, suite "-") == 1' | sort -u
}

make_base() {
    local new=$dir/new.$$ log=$dir/debootstrap.log
    [ -e "$dir/$suite.tar" ] && return
    echo "making a minimal Debian $suite, which is kept in $dir/$suite.tar: half a minute or more"
    if [ -z "${http_proxy:-}" ]; then
        eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
        [ -z "${http_proxy:-}" ] || export http_proxy
    fi
    unshare --mount debootstrap --variant=minbase --include=make,git "$suite" "$new" "$mirror" >"$log" 2>&1 &
    child=$!
    wait $child || skip "debootstrap cannot make a minimal Debian" "$log"
    child=
    rm -rf "$new"/var/lib/apt/lists/* "$new"/var/cache/apt/archives/*.deb # a new machine has none
    tar -C "$new" --numeric-owner -cf "$new.tar" . && mv "$new.tar" "$dir/$suite.tar" || exit 1
    rm -rf --one-file-system "$new"
}

# A machine as it comes, with a user and a clone of HEAD in /strata; $root is its name.
new_root() { # NAME
    root=$dir/root.$$.$1
    mkdir "$root" && tar -C "$root" --numeric-owner -xf "$dir/$suite.tar" || exit 1
    { sources | grep . || echo "$mirror $suite main"; } | sed 's/^/deb /' >"$root/etc/apt/sources.list"
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io" # a root that is lost may be lost
    apt-config dump | grep '^Acquire::' | grep -vi 'proxy-auto' >"$root/etc/apt/apt.conf.d/00machine"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$root/etc/ssl/certs" && cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    fi
    in_root root useradd --create-home reader >"$dir/useradd.log" 2>&1 ||
        skip "a chroot with its own mounts cannot be had" "$dir/useradd.log"
    git clone -q --no-checkout "file://$PWD" "$root/strata" &&
        git -C "$root/strata" checkout -q --detach "$head" || exit 1
    [ "$1" = root ] || in_root root chown -R "$1:$1" /strata
}

# As USER, in the clone, with nothing of this machine's environment.
in_root() { # USER COMMAND...
    local name environment=(TERM="${TERM:-dumb}")
    environment+=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
    [ "$1" = root ] && environment+=(HOME=/root) || environment+=(HOME="/home/$1")
    for name in http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || environment+=("$name=${!name}")
    done
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child bash -c '
        root=$1 debs=$2 user=$3; shift 3
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
            mount --bind "$debs" "$root/var/cache/apt/archives" || exit 125
        exec chroot "$root" setpriv --reuid="$user" --regid="$user" --init-groups env -i "$@"' \
        _ "$root" "$debs" "$1" "${environment[@]}" \
        bash -c 'cd /strata 2>/dev/null || cd /; exec "$@"' _ "${@:2}" </dev/null &
    child=$!
    wait $child
    local rc=$?
    child=
    return $rc
}

# ---- The steps -------------------------------------------------------------------------------

# step NAME WANTED REGEX... -- USER COMMAND...: it ends as WANTED says (ok or fails), and prints lines
# that match each REGEX ("!REGEX": none that does).
step() {
    local name=$1 wanted=$2 patterns=() begin=$SECONDS rc wrong=() pattern before more
    shift 2
    while [ "$1" != -- ]; do patterns+=("$1"); shift; done
    shift
    log=$dir/${name//[^a-zA-Z0-9=]/_}.log
    printf '%-60s' "$name ..."
    before=$(packages | wc -l)
    in_root "$@" >"$log" 2>&1
    rc=$?
    case $wanted in
    fails) [ $rc -ne 0 ] || wrong+=("it ended with 0") ;;
    *) [ $rc -eq 0 ] || wrong+=("it ended with $rc") ;;
    esac
    for pattern in "${patterns[@]}"; do
        case $pattern in
        !*) grep -aqE -- "${pattern#!}" "$log" && wrong+=("it prints ${pattern#!}") ;;
        *) grep -aqE -- "$pattern" "$log" || wrong+=("it does not print $pattern") ;;
        esac
    done
    begin=$((SECONDS - begin))
    printf '%s  %d:%02d\n' "$([ ${#wrong[@]} -eq 0 ] && echo ok || echo FAILED)" $((begin / 60)) $((begin % 60))
    grep -aE '^installing: ' "$log" | sed 's/^/        /'
    more=$(($(packages | wc -l) - before))
    [ $more -eq 0 ] || echo "        $more packages more are installed than before"
    grep -aE '^[0-9]+ passed, [0-9]+ failed' "$log" | sed 's/^/        /'
    if [ ${#wrong[@]} -eq 0 ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    printf '        %s\n' "${wrong[@]}"
    tail -n 30 "$log" | sed 's/^/        | /'
    echo "        whole output: $log"
}
packages() { dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Package}\n'; }

# An ordinary user on such a machine: each command says which packages to ask for. With the least,
# NO_INSTALL=1 says what is missing and goes on; with those that were named nothing is missing.
ordinary_user() {
    local asked least='gcc libc6-dev libxxhash-dev liblz4-dev' optional='libedit-dev libuv1-dev libmicrohttpd-dev'
    local refused='^install\.sh: not root and no sudo; as root: apt-get install'
    local install='env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install'
    echo "a machine with make and git, and an ordinary user:"
    new_root reader
    step "make, by a user without root's rights" fails "$refused $least $optional \(" -- reader make "${variables[@]}"
    step "make tour, by that user" fails "$refused $least $optional unicode-data \(" -- reader make tour
    asked=$(sed -nE 's/.*as root: apt-get install ([^(]*) \(.*/\1/p' "$log")
    step "make test, by that user" fails "$refused $least .*libcmocka-dev" -- reader make test
    in_root root apt-get -qq -o APT::Update::Error-Mode=any update >"$dir/update.log" 2>&1 ||
        skip "no packages can be had" "$dir/update.log"
    step "root installs the least" ok -- root $install $least
    step "make NO_INSTALL=1" ok '^missing: libedit-dev' '^missing: libuv1-dev' '!missing: (gcc|lib[^eum])' '^NO_INSTALL is set' \
        -- reader make NO_INSTALL=1 "${variables[@]}"
    step "make tour NO_INSTALL=1" ok '^missing: unicode-data' '!missing: (gcc|lib[^eum])' \
        '\(Debian.s package unicode-data\)' -- reader make tour NO_INSTALL=1 TOUR_QUICK=1 "${variables[@]}"
    step "a shell without libedit" ok '^no$' '^red$' \
        -- reader bash -c 'cat build/edit.txt; printf "put apple red\nget apple\n" | build/strata shell --create ~/fruit'
    step "a server without libuv" fails 'libuv' -- reader bash -c 'build/strata put ~/served a b && build/strata serve ~/served'
    step "make, without libedit and libuv" ok 'libedit-dev libuv1-dev libmicrohttpd-dev.*; going on without' -- reader make "${variables[@]}"
    step "root installs what that user was asked to ask for" ok -- root $install $asked
    step "make tour, by the user, with that" ok '!missing:' '!made up' -- reader make tour TOUR_QUICK=1 "${variables[@]}"
    step "a shell with libedit" ok '^yes$' -- reader cat build/edit.txt
    rm -rf --one-file-system "$root"
}

# ---- Run -------------------------------------------------------------------------------------

[ "$(id -u)" -eq 0 ] || skip "not root: no chroot can be entered"
tests/tools/install.sh bare || skip "there is no debootstrap"
mkdir -p "$dir" "$debs" || exit 1
exec 9>"$dir/lock" || exit 1 # two runs at once would write the same logs, and apt locks the packages' directory
flock -n 9 || { echo "another run is under way in $dir: waiting for its end" && flock 9; }
rm -f "$dir"/*.log
for root in "$dir"/{root,new}.[0-9]*; do # of a run that was killed
    pid=${root#"$dir"/*.} pid=${pid%%.*}
    [ ! -e "$root" ] || kill -0 "$pid" 2>/dev/null || rm -rf --one-file-system "$root"
done
unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc /proc' >"$dir/mount.log" 2>&1 ||
    skip "no namespaces can be made here" "$dir/mount.log"
head=$(git rev-parse HEAD 2>&1) || skip "git knows no HEAD here: $head"
[ -z "$(git status --porcelain)" ] ||
    echo "changes that are not committed are not part of this: the clone has HEAD, $(git log -1 --format='%h %s')"
[ -n "$(sources)" ] || apt-get -qq update >"$dir/update.log" 2>&1
mirror=$(sources | awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1; exit }')
mirror=${mirror:-http://deb.debian.org/debian}
make_base
echo "what each step prints goes to $dir/STEP.log"
[ -n "${QUICK:-}" ] || ordinary_user
echo "the same machine as it was, now as root:"
new_root root
for target in "${targets[@]}"; do
    # What a script skips is skipped for want of a tool.
    step "make $target${variables:+ ${variables[*]}}" ok '!\| ok [0-9]+ - .* # SKIP' \
        -- root make "$target" "${variables[@]}"
done
finish
