# The library as a shared one, and installing. `make install` compiles nothing: what was built is
# copied, so that nothing in build/ comes to belong to root.
#
#   PREFIX=/usr/local   where programs look for it; must be absolute
#   DESTDIR=            put in front of every path written to, and told to nobody: for packages
#   BINDIR LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR BASHDIR ZSHDIR   each of the places by itself

VERSION := $(shell sed -nE 's/^.define STRATA_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$$/\2/p' include/strata.h | paste -sd.)
SONAME  := libstrata.so.$(firstword $(subst ., ,$(VERSION)))
LIB_SO  := $B/libstrata.so.$(VERSION)

STRATA_A := $B/libstrata.a

all tests-build: $(LIB_SO) $(STRATA_A)

# The functions that strata.h declares: of both libraries nothing else can be seen, so no name in them
# clashes with one of the program's. (An engine of one's own uses more; build/strata has all of it.)
$B/public.txt: include/strata.h include/install.mk
	@mkdir -p $(@D)
	@sed -E 's|/\*.*\*/||' include/strata.h | sed -nE 's/^[a-z].*[ *](strata_[a-z_]+)\(.*/\1/p' > $@
$B/libstrata.map: $B/public.txt
	@{ echo 'STRATA_$(subst libstrata.so.,,$(SONAME)) {'; echo 'global:'; sed 's/.*/    &;/' $<; \
	  echo 'local:'; echo '    *;'; echo '};'; } > $@
# The static library is one object: what the public functions need, linked together, and then all other
# names made local. (-u: what the linker is to take from the archive.)
$B/libstrata.o: $(LIB_A) $B/public.txt
	$(call say,LINK,$@) $(CC) -r -nostdlib -o $@ $$(sed 's/^/-Wl,-u,/' $B/public.txt) $(LIB_A)
	@"$$($(CC) -print-prog-name=objcopy)" --keep-global-symbols=$B/public.txt $@
$(STRATA_A): $B/libstrata.o
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $<
# symbolic: calls from the library into itself are direct.
$(LIB_SO): $(COMMON) $(STAGE_OBJ) $B/libstrata.map
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,$B/libstrata.map -Wl,-Bsymbolic-functions $(if $(SAN),,-Wl,-z,defs) -o $@ $(filter %.o,$^) $(LDFLAGS) $(LIB_LIBS)
	@ln -sf $(@F) $B/$(SONAME) && ln -sf $(SONAME) $B/libstrata.so

PREFIX       ?= /usr/local
BINDIR       ?= $(PREFIX)/bin
LIBDIR       ?= $(PREFIX)/lib
INCLUDEDIR   ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
MANDIR       ?= $(PREFIX)/share/man
BASHDIR      ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR       ?= $(PREFIX)/share/zsh/site-functions

installer = VERSION=$(VERSION) LIB_LIBS='$(LIB_LIBS)' B=$(call quoted,$B) $(foreach v,DESTDIR PREFIX BINDIR LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR BASHDIR ZSHDIR,$v=$(call quoted,$($v))) include/install.sh
.PHONY: install uninstall
install: ## copy program, library, header, man pages and completion to where they are found [PREFIX=/usr/local] [DESTDIR=]
	@$(installer) install
uninstall: ## take them away again; the same variables
	@$(installer) uninstall
