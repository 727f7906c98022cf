# The library as a shared one, and installing. `make install` compiles nothing: what was built is
# copied, so that nothing in build/ comes to belong to root.
#
#   PREFIX=/usr/local   where programs look for it; must be absolute
#   DESTDIR=            put in front of every path written to, and told to nobody: for packages
#   BINDIR LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR BASHDIR ZSHDIR   each of the places by itself

VERSION := $(shell sed -nE 's/^.define STRATA_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$$/\2/p' include/strata.h | paste -sd.)
SONAME  := libstrata.so.$(firstword $(subst ., ,$(VERSION)))
LIB_SO  := $B/libstrata.so.$(VERSION)

all tests-build: $(LIB_SO)

# Of the shared library only what strata.h declares can be seen. (A learner's engine uses more, and
# finds it in build/strata.)
$B/libstrata.map: include/strata.h include/install.mk
	@mkdir -p $(@D)
	@{ echo 'STRATA_$(subst libstrata.so.,,$(SONAME)) {'; echo 'global:'; \
	  sed -E 's|/\*.*\*/||' include/strata.h | sed -nE 's/^[a-z].*[ *](strata_[a-z_]+)\(.*/    \1;/p'; \
	  echo 'local:'; echo '    *;'; echo '};'; } > $@
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
