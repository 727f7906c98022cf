# Fuzzing: no file that a reader opens may crash it, deceive it, or make it ask for more memory or
# work than the file's size explains.
#
#   fuzz/NAME.c           a target: one file format, or one kind of text. It defines
#                         LLVMFuzzerTestOneInput and nothing else, and its first comment says what
#                         must hold beside "no crash"
#   fuzz/support/         what they share: what must hold of any database, memory that is counted
#   fuzz/seeds/NAME/      inputs to begin with, at most 4 KB each, written by the engine's own writer
#                         (make fuzz-seeds)
#   fuzz/regress/NAME/    every input that ever failed, named after what it showed
#   fuzz/replay.c         a plain main: build/fuzz/replay/NAME PATH... runs the target on files,
#                         with --tap on its seeds and regressions, which is what make test does
#   fuzz/libfuzzer/       a mutator that repairs checksums (off one time in eight), so that mutated
#                         files get past them
#
# A new target is one file: everything here goes by wildcard. The same object links to the plain
# main, to libFuzzer (make fuzz-libfuzzer) and to AFL++'s driver:
#
#   make MODE=afl CC=afl-clang-fast fuzz-afl-build
#   afl-fuzz -i fuzz/seeds/NAME -o /tmp/found -- build/afl/fuzz/afl/NAME

FUZZ         := $(filter-out replay,$(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c)))
FUZZ_SUPPORT := $(patsubst %.c,$B/%.o,$(wildcard fuzz/support/*.c))
FUZZ_MUTATOR := $(patsubst %.c,$B/%.o,$(wildcard fuzz/libfuzzer/*.c))
# The memory that the code under test holds is counted: fuzz/support/memory.c.
FUZZ_WRAP    := $(foreach f,malloc calloc realloc strdup strndup free,-Wl,--wrap=$f)

# The code under test counts its edges for the fuzzer; the fuzzer's own does not, nor the checksum.
SAN.afl       := $(SAN.asan)
SAN.libfuzzer  = $(SAN.asan) -fsanitize=fuzzer-no-link -fsanitize-coverage-ignorelist=fuzz/tools/uncounted.txt
$B/fuzz/%.o: SAN.libfuzzer = $(SAN.asan)
$B/fuzz/%.o: ALL_CFLAGS += -Ifuzz/support

fuzz_link = $(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) $1 $(FUZZ_WRAP) -o $@ $(filter %.o,$^) $(LIB_A) $(LDFLAGS) $(LIBS)
$(FUZZ:%=$B/fuzz/replay/%): $B/fuzz/replay/%: $B/fuzz/%.o $B/fuzz/replay.o $(FUZZ_SUPPORT) $(LIB_A)
	@mkdir -p $(@D)
	$(call fuzz_link)
$(FUZZ:%=$B/fuzz/libfuzzer/%): $B/fuzz/libfuzzer/%: $B/fuzz/%.o $(FUZZ_MUTATOR) $(FUZZ_SUPPORT) $(LIB_A)
	@mkdir -p $(@D)
	$(call fuzz_link,-fsanitize=fuzzer)
$(FUZZ:%=$B/fuzz/afl/%): $B/fuzz/afl/%: $B/fuzz/%.o $(FUZZ_SUPPORT) $(LIB_A)
	@mkdir -p $(@D)
	$(call fuzz_link,-fsanitize=fuzzer)
$B/fuzz/make_seeds: $B/fuzz/tools/make_seeds.o $(FUZZ_SUPPORT) $(LIB_A)
	$(call fuzz_link)

.PHONY: fuzz-replay-build fuzz-libfuzzer-build fuzz-afl-build fuzz-libfuzzer fuzz-seeds
fuzz-replay-build: $(FUZZ:%=$B/fuzz/replay/%)
fuzz-libfuzzer-build: $(FUZZ:%=$B/fuzz/libfuzzer/%)
fuzz-afl-build: $(FUZZ:%=$B/fuzz/afl/%)

fuzz-libfuzzer: ## a quick local run with clang's libFuzzer [TARGET=record_log] [TIME=60 seconds a target]
	@tests/tools/install.sh build clang
	@$(MAKE) --no-print-directory CC=clang MODE=libfuzzer fuzz-libfuzzer-build
	@TARGET=$(TARGET) TIME=$(or $(TIME),60) fuzz/tools/libfuzzer.sh $(FUZZ)

fuzz-seeds: ## write the seeds in fuzz/seeds anew, by the engine's own writer
	@$(MAKE) --no-print-directory $B/fuzz/make_seeds
	@mkdir -p fuzz/seeds && $B/fuzz/make_seeds fuzz/seeds
