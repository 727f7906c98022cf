# The workshop: a stage that a learner writes, sitting by sitting. docs/workshop/NN_name.tsv has the
# sittings, NN_name.tests which tests turn green with each; docs/bring_your_own_engine.md is the page.

# Tests of a stage's modules are linked to a shared object of that stage instead of to the library; run
# with a learner's in its place, they test the learner's functions. In $B/workshop/NN_name/:
#   mine.so     the stage of this tree and the modules below it, as `make start` would have it
#   NN_x_test   tests/stages/NN_x_test.c
WORKSHOP   := $(patsubst docs/workshop/%.tsv,%,$(wildcard docs/workshop/*.tsv))
workshop_tests = $(patsubst tests/stages/%.c,$B/workshop/$1/%,$(wildcard tests/stages/$(firstword $(subst _, ,$1))_*_test.c))

workshop_stages := $B/tests/support/workshop/workshop.o
$B/workshop/ground.a: $(COMMON)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^
$B/workshop/support.a: $(TEST_LIB)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^

# (--no-as-needed: what mine.so needs, too. The linker gold looks at the program alone.)
# As crash.mk has it. Allocations of the shared object are not seen: a test that is about these is in no list.
workshop_allocations := $B/tests/crash/allocations.o $(foreach f,malloc calloc realloc aligned_alloc strdup strndup free,-Wl,--wrap=$f)

define workshop_stage
$B/workshop/$1/mine.so: $(call objs,stages/$1) $(foreach u,$($1.USES),$(call modules,$u))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@) objcopy --redefine-sym strata_stage_$1=strata_engine $B/stages/$1/engine.o $$@.engine.o && \
	  $$(CC) $$(CFLAGS) $$(SAN) -shared -Wl,-Bsymbolic -Wl,-soname,mine.so -o $$@ $$@.engine.o $$(filter-out $B/stages/$1/engine.o,$$^)
$B/workshop/$1/%_test: $B/tests/stages/%_test.o $B/tests/crash/allocations.o $(workshop_stages) $B/workshop/support.a $B/workshop/ground.a $(LIB_A) | $B/workshop/$1/mine.so
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@) $$(CC) $$(CFLAGS) $$(SAN) -rdynamic -Wl,-z,lazy -Wl,--wrap=fs_sim_new,--wrap=fs_free -o $$@ $$< $$(if $$(filter %/$$*_test,$$(OWN_ALLOCATIONS)),$$(workshop_allocations)) $(workshop_stages) $B/workshop/support.a \
	  -Wl,--whole-archive $B/workshop/ground.a -Wl,--no-whole-archive $B/workshop/$1/mine.so $(LIB_A) $$(LDFLAGS) -Wl,--no-as-needed $$(TEST_LIBS)
workshop-build-$1: check-build $B/workshop/$1/mine.so $(call workshop_tests,$1)
.PHONY: workshop-build-$1
endef
$(foreach s,$(STAGES),$(eval $(call workshop_stage,$s)))
stage_name = $(notdir $(call stage_dir,$(STAGE)))

# Two at once would write the same files: $B/check, and what is built.
turn = mkdir -p $B && exec 9>$B/check.lock && { flock -n 9 || { echo "another make check is under way in this tree: waiting for its end" >&2; flock 9; }; }

.PHONY: start check judge grade progress workshop-check workshop-record workshop-build
workshop-build: $(if $(STAGE),workshop-build-$(stage_name),$(WORKSHOP:%=workshop-build-%))
start: all ## a stage for you to write: its real sources without the bodies that are its lesson: STAGE=N DIR=../mine [SITTING=K: begin with that one]
	@B=$B CC="$(CC)" tests/tools/workshop.pl start "$(STAGE)" "$(DIR)" "$(if $(SITTING),$(shell expr $(SITTING) - 1))"
check: install-test ## judge an engine of your own: sitting by sitting, then by all that the stage promises: ENGINE=mine.so STAGE=N [QUICK=1] [ONLY=regex of suites]
	@$(turn) && $(MAKE) --no-print-directory -s $(if $(stage_name),workshop-build,check-build) >/dev/null && \
	B=$B STAGE=$(STAGE) tests/tools/sittings.sh check $(call quoted,$(ENGINE)) $(call quoted,$(ONLY)) || exit $$?; \
	B=$B STAGE=$(STAGE) QUICK=$(QUICK) tests/tools/check.sh $(call quoted,$(ENGINE)) $(call quoted,$(ONLY))
judge: install-test ## judge an engine of your own by all that the stage promises, without the sittings: ENGINE=mine.so STAGE=N [QUICK=1] [ONLY=regex of suites]
	@$(turn) && $(MAKE) --no-print-directory -s check-build && \
	B=$B STAGE=$(STAGE) QUICK=$(QUICK) tests/tools/check.sh $(call quoted,$(ENGINE)) $(call quoted,$(ONLY))
# The engine and its stage are given, or are those of DIR.
grade_engine = $(or $(ENGINE),$(DIR)/mine.so)
grade_stage = $(or $(STAGE),$(if $(DIR),$(shell sed -n 's/.*STAGE=\([0-9]*\)$$/\1/p' $(call quoted,$(DIR))/Makefile | head -1)))
grade: install-test ## points for an engine of your own: what make judge finds, promise by promise: DIR=../mine, or ENGINE=mine.so STAGE=N [QUICK=1] [ONLY=regex of suites]
	@[ -n $(call quoted,$(ENGINE)$(DIR)) ] || { echo "make grade: whose? for example: make grade DIR=../mine, or ENGINE=../mine/mine.so STAGE=1" >&2; exit 2; }
	@$(if $(ENGINE),,$(MAKE) --no-print-directory -s -C $(call quoted,$(DIR)) mine.so && $(MAKE) --no-print-directory -s workshop-build STAGE=$(grade_stage) >/dev/null)
	@$(turn) && $(MAKE) --no-print-directory -s check-build || exit; \
	B=$B STAGE=$(grade_stage) QUICK=$(QUICK) tests/tools/check.sh $(call quoted,$(grade_engine)) $(call quoted,$(ONLY)) >$B/check.txt 2>&1; \
	case $$? in 0 | 1) ;; *) cat $B/check.txt >&2; exit 2 ;; esac; \
	B=$B STAGE=$(grade_stage) tests/tools/grade.sh $(call quoted,$(grade_engine)) $(if $(ENGINE),,$(call quoted,$(abspath $(DIR))))
progress: install-test ## the sittings of a stage that you write, and which are done: DIR=../mine; a line each if DIR has several of them
	@set -- $$(ls -d $(call quoted,$(DIR))/engine $(call quoted,$(DIR))/*/engine 2>/dev/null); \
	[ $$# -gt 0 ] || { echo "make progress: it wants DIR=DIRECTORY, one that make start wrote, or where there are such" >&2; exit 2; }; \
	$(turn); \
	for engine; do dir=$${engine%/engine}; \
	  stage=$$(sed -n 's/.*STAGE=\([0-9]*\)$$/\1/p' "$$dir/Makefile" | head -1); \
	  $(MAKE) --no-print-directory -s -C "$$dir" mine.so || { echo "stage $$stage, $$dir: it does not compile"; [ $$# -gt 1 ] && continue; exit 1; }; \
	  $(MAKE) --no-print-directory -s workshop-build STAGE=$$stage >/dev/null || exit 1; \
	  B=$B STAGE=$$stage tests/tools/sittings.sh progress "$$(realpath "$$dir")" | { if [ $$# -gt 1 ]; then tail -1 | sed "s|^|stage $$stage, $$dir: |; s|; make check.*||"; else cat; fi; }; \
	done

workshop-record: install-test ## find out which tests turn green with which sitting, and write docs/workshop/NN_name.tests [STAGE=N]
	@$(MAKE) --no-print-directory -s all workshop-build
	@B=$B STAGE=$(STAGE) CC="$(CC)" tests/tools/workshop.sh record
workshop-check: install-test install-mutants ## prove it: starts compile and fail as listed, sittings turn their tests green, mutants are caught [STAGE=N] [QUICK=1: a sample, which the commit chooses]
	@$(MAKE) --no-print-directory -s all workshop-build
	@B=$B STAGE=$(STAGE) CC="$(CC)" tests/tools/workshop.sh $(if $(filter-out no,$(QUICK)),quick,prove)
