# Stage 14 is no engine: it speaks to the newest one through strata.h, and is linked into the program
# `strata` alone. libuv is optional, as libedit is: without it, or with SERVER=no, `strata serve` says
# what is missing. (Looked for when it is first asked for, as only then it has been installed.)
# libmicrohttpd is as optional: without it, or with HTTP=no, there is no --http.
ifndef SERVER
SERVER = $(eval SERVER := $$(shell CC=$(call quoted,$(CC)) tests/tools/install.sh --have server && echo yes || echo no))$(SERVER)
endif
ifndef HTTP
HTTP = $(eval HTTP := $$(shell CC=$(call quoted,$(CC)) tests/tools/install.sh --have http && echo yes || echo no))$(HTTP)
endif
SERVER_OBJ := $(patsubst %.c,$B/%.o,$(wildcard stages/14_server/*.c stages/14_server/*/*.c))
SERVER_UV  := $(patsubst %,$B/stages/14_server/%.o,server listen socket http absent)
$(SERVER_UV): ALL_CFLAGS += $(if $(filter yes,$(SERVER)),-DSTRATA_UV) $(if $(filter yes,$(HTTP)),-DSTRATA_HTTP)
$(SERVER_UV): $B/server.txt
$B/server.txt: FORCE | $B/installed.txt
	@mkdir -p $(@D); echo $(SERVER) $(HTTP) | cmp -s - $@ || echo $(SERVER) $(HTTP) > $@
