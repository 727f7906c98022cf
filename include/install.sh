#!/bin/sh
# Copies what was built to where programs look for it, or takes it away from there.
#
#   include/install.sh install|uninstall     called by make, which sets what install.mk describes
set -eu
umask 022
fail() { echo "make $do: $*" >&2; exit 1; }
do=$1 so=libstrata.so.$VERSION major=libstrata.so.${VERSION%%.*}

# The mode of each file, where it comes from, where it goes. "bash" and "zsh" are printed by the
# program.
files() {
    cat <<END
755	$B/strata	$BINDIR/strata
644	include/strata.h	$INCLUDEDIR/strata.h
644	$B/libstrata.a	$LIBDIR/libstrata.a
755	$B/$so	$LIBDIR/$so
644	include/strata.pc.in	$PKGCONFIGDIR/strata.pc
644	docs/man/strata.1	$MANDIR/man1/strata.1
644	docs/man/strata.3	$MANDIR/man3/strata.3
644	bash	$BASHDIR/strata
644	zsh	$ZSHDIR/_strata
END
}
tab=$(printf '\t')

# A directory below the prefix is written so: then pkg-config can be told of another prefix.
below() {
    case $1 in "$PREFIX"/*) printf '${prefix}%s' "${1#"$PREFIX"}" ;; *) printf %s "$1" ;; esac
}

put_files() {
    files | while IFS=$tab read -r _ from _; do
        case $from in bash | zsh) continue ;; esac
        [ -f "$from" ] || fail "there is no $from: build it first, with make"
    done
    files | while IFS=$tab read -r _ _ to; do
        dir=$DESTDIR${to%/*}
        { mkdir -p "$dir" && [ -w "$dir" ]; } 2>/dev/null ||
            fail "$dir: may not be written to: as root (sudo make install), or elsewhere (PREFIX=\$HOME/.local)"
    done
    files | while IFS=$tab read -r mode from to; do
        case $from in
        bash | zsh) "$B/strata" completion "$from" >"$DESTDIR$to" && chmod "$mode" "$DESTDIR$to" ;;
        *) install -m "$mode" "$from" "$DESTDIR$to" ;;
        esac || fail "$DESTDIR$to was not written"
    done
    ln -sf "$so" "$DESTDIR$LIBDIR/$major"
    ln -sf "$major" "$DESTDIR$LIBDIR/libstrata.so"
    sed -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$(below "$LIBDIR")|" -e "s|@INCLUDEDIR@|$(below "$INCLUDEDIR")|" \
        -e "s|@VERSION@|$VERSION|" -e "s|@LIB_LIBS@|$LIB_LIBS|" include/strata.pc.in >"$DESTDIR$PKGCONFIGDIR/strata.pc" ||
        fail "$DESTDIR$PKGCONFIGDIR/strata.pc was not written"
    echo "strata $VERSION is in $DESTDIR$BINDIR, $DESTDIR$LIBDIR, $DESTDIR$INCLUDEDIR, $DESTDIR$PKGCONFIGDIR, $DESTDIR$MANDIR, $DESTDIR$BASHDIR, $DESTDIR$ZSHDIR"
    [ -n "$DESTDIR" ] || echo "(a program that does not find libstrata.so: run ldconfig as root, or set LD_LIBRARY_PATH=$LIBDIR)"
}

# Directories stay: others may use them. Libraries of earlier versions, that this one replaced, go.
take_files() {
    files | while IFS=$tab read -r _ _ to; do
        rm -f "$DESTDIR$to" || fail "$DESTDIR$to was not removed"
    done
    rm -f "$DESTDIR$LIBDIR/$major" "$DESTDIR$LIBDIR/$major".* "$DESTDIR$LIBDIR/libstrata.so" ||
        fail "the library in $DESTDIR$LIBDIR was not removed"
    echo "strata is not in $DESTDIR$PREFIX any more"
}

for dir in "$PREFIX" "$BINDIR" "$LIBDIR" "$INCLUDEDIR" "$PKGCONFIGDIR" "$MANDIR" "$BASHDIR" "$ZSHDIR"; do
    case $dir in
    *[!A-Za-z0-9_./+,:@~-]*) fail "\"$dir\": letters, digits and _./+,:@~- only, for pkg-config's sake" ;;
    /*) ;;
    *) fail "\"$dir\" does not begin with /: it has to hold wherever a program is built" ;;
    esac
done
case $do in install) put_files ;; uninstall) take_files ;; *) fail "no such thing" ;; esac
