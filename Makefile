# Lightgate.  `make demo` and `make check` are the two to know; `make help` lists the rest.
#
# V=release (build/bin, build/lib) | asan | tsan | clang | fuzz (clang with libFuzzer).  Every folder is a static library; sources are found, not listed.

V ?= release
CC = $(if $(filter clang fuzz,$(V)),clang,gcc)
B = build/$(V)
CCACHE := $(shell command -v ccache 2>/dev/null)
LD_FAST := $(shell command -v mold >/dev/null 2>&1 && echo -fuse-ld=mold)

LAYERS = base crypto store policy directory certs sts client server agent cli

WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Werror
# Not -ftrivial-auto-var-init: gcc 12 then clears the padding of an initialised structure at its offset modulo 256, which is a member.
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
CPPFLAGS = -D_GNU_SOURCE -Iinclude -I. -I$(B)/gen
CFLAGS = -std=gnu17 -g -pipe -fPIC -fno-common -fvisibility=hidden $(WARN) $(CFLAGS_$(V))
CFLAGS_release = -O2 $(HARDEN)
CFLAGS_clang = -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_asan = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DLG_SANITIZE=1
CFLAGS_fuzz = -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DLG_SANITIZE=1
CFLAGS_tsan = -O1 -Wno-maybe-uninitialized -fno-omit-frame-pointer -fsanitize=thread -DLG_SANITIZE=1
LDFLAGS = $(LD_FAST) -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code $(LDFLAGS_$(V))
LDFLAGS_asan = -fsanitize=address,undefined
LDFLAGS_fuzz = -fsanitize=fuzzer,address,undefined
LDFLAGS_tsan = -fsanitize=thread

# What each layer may link: its own third-party libraries, and the layers below it.
EXT_base = -lyaml -lpthread
EXT_crypto = -lcrypto -largon2 -lcrypt -lseccomp -lcap-ng
EXT_store = -llmdb -lzstd
EXT_policy =
EXT_directory = -lunistring
EXT_certs = -lcrypto
EXT_sts = -lldap -llber -lfido2 -lcbor -lqrencode
EXT_client = -lcurl
EXT_server = -lcurl -lmicrohttpd -lgnutls -lssl -lcrypto -lseccomp -lcap-ng
EXT_agent = -lnftables -lnftnl -lnetfilter_queue -lnetfilter_conntrack -lmnl -lnghttp2 -lprotobuf-c -lexpat
EXT_cli =
MAY_base =
MAY_crypto = base
MAY_store = crypto base
MAY_policy = base
MAY_directory = store crypto base
MAY_certs = store crypto base
MAY_sts = store crypto base
MAY_client = policy crypto base
MAY_server = policy directory certs sts store crypto base
MAY_agent = client policy crypto base
MAY_cli = client policy crypto base

src = $(filter-out %main.c,$(wildcard $(1)/*.c $(1)/*/*.c))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib = $(B)/lib/liblg_$(1).a
libs_for = $(foreach l,$(1) $(MAY_$(1)),$(call lib,$(l)))
ext_for = $(foreach l,$(1) $(MAY_$(1)),$(EXT_$(l)))

ifeq ($(V),release)
BIN = build/bin
OUT_LIB = build/lib
else
BIN = $(B)/bin
OUT_LIB = $(B)/lib
endif

PROGRAMS = $(BIN)/lightgated $(BIN)/lightgate $(BIN)/lightgate-agent $(BIN)/lightgate-runc $(BIN)/lightgate-libvirt-hook
MAIN_lightgated = server/main.c
MAIN_lightgate = cli/main.c
MAIN_lightgate-agent = agent/main.c
LAYER_lightgated = server
LAYER_lightgate = cli
LAYER_lightgate-agent = agent

.PHONY: all bins libs help deps clean
all: $(foreach p,$(PROGRAMS),$(if $(wildcard $(or $(MAIN_$(notdir $(p))),agent/runc_main.c)),$(p)))
libs: $(foreach l,$(LAYERS),$(call lib,$(l)))

# ---- objects, libraries, programs ---------------------------------------------------------------

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/obj/%.o: $(B)/gen/%.c Makefile
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# What the daemon carries inside: pages, default policies, the Cedar schema.
EMBEDDED = $(wildcard conf/policies/*.cedar conf/*.cedarschema conf/schema/* web/*.html web/*.css web/*.js web/*.svg web/messages.*)
$(B)/gen/embedded.c: $(EMBEDDED) scripts/embed
	@mkdir -p $(@D)
	scripts/embed $(EMBEDDED) > $@

# What the command carries: the schema, for files read without a service.
$(B)/gen/shipped_schema.c: conf/lightgate.cedarschema scripts/embed
	@mkdir -p $(@D)
	scripts/embed --schema $< > $@

# The messages of the SPIFFE Workload API.
$(B)/gen/workload.pb-c.c $(B)/gen/workload.pb-c.h &: agent/spiffe/workload.proto
	@mkdir -p $(B)/gen
	protoc-c --c_out=$(B)/gen --proto_path=agent/spiffe workload.proto
$(B)/obj/agent/spiffe/answers.o: $(B)/gen/workload.pb-c.h

EMBEDDED_server = $(B)/obj/embedded.o
EMBEDDED_agent = $(B)/obj/workload.pb-c.o
GENERATED_agent = $(B)/gen/workload.pb-c.c
EMBEDDED_cli = $(B)/obj/shipped_schema.o

define layer_rules
$(call lib,$(1)): $(call obj,$(call src,$(1))) $(EMBEDDED_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcsD $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))

define program_rules
$(BIN)/$(1): $(call obj,$(MAIN_$(1))) $(call libs_for,$(LAYER_$(1)))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $$^ $(LDFLAGS) $(call ext_for,$(LAYER_$(1))) -o $$@
endef
$(foreach p,lightgated lightgate lightgate-agent,$(eval $(call program_rules,$(p))))

# libc only, and in what is shipped within the file: they are executed twice at every start, and the loader is a sixth of what that takes.
ALONE_release = -static-pie
$(BIN)/lightgate-runc $(BIN)/lightgate-libvirt-hook: $(BIN)/lightgate-%: $(call obj,agent/ask.c)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ $(LDFLAGS) $(ALONE_$(V)) -o $@
$(BIN)/lightgate-runc: $(call obj,agent/runc_main.c)
$(BIN)/lightgate-libvirt-hook: $(call obj,agent/libvirt_main.c)

bins: all

# ---- tests: one program a folder, linked with only what the folder may use ------------------------

TESTED = $(foreach l,$(LAYERS),$(if $(wildcard tests/$(l)/*.c),$(l)))
define test_rules
$(B)/tests/$(1): $(call obj,$(wildcard tests/$(1)/*.c)) $(call libs_for,$(1))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $$^ $(LDFLAGS) $(call ext_for,$(1)) $$(TEST_EXT_$(1)) -lcriterion -o $$@
endef
$(foreach l,$(LAYERS),$(eval $(call test_rules,$(l))))
TEST_EXT_base = -ljansson
TEST_EXT_crypto = -ljansson -ljwt
TEST_EXT_store =
test-programs: $(foreach l,$(TESTED),$(B)/tests/$(l))
.PHONY: test-programs

# `make V=asan test-policy` builds and runs one folder's tests.
$(foreach l,$(LAYERS),test-$(l)): test-%: $(B)/tests/%
	tests/run-criterion $(B)/tests/$*

# ---- fuzz targets: tests/fuzz/fuzz_<folder>_<what>.c, seeds in tests/fuzz/seeds/<folder>_<what>/ -----
# Replayed with a plain main by `make check`; run with libFuzzer's (V=fuzz) by `make fuzz`.

FUZZ_MAIN = $(if $(filter fuzz,$(V)),,tests/fuzz/replay.c)
FUZZ = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_layer = $(firstword $(subst _, ,$(1)))
define fuzz_rules
$(B)/fuzz/$(1): $(call obj,tests/fuzz/fuzz_$(1).c $(FUZZ_MAIN)) $(call libs_for,$(call fuzz_layer,$(1)))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $$^ $(LDFLAGS) $(call ext_for,$(call fuzz_layer,$(1))) -o $$@
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_rules,$(f))))
fuzz-programs: $(foreach f,$(FUZZ),$(B)/fuzz/$(f))
.PHONY: fuzz-programs

# ---- the doors to everything ----------------------------------------------------------------------

-include scripts/targets.mk

help:
	@grep -hE '^##' Makefile scripts/*.mk 2>/dev/null | sed 's/^## //'
clean:
	rm -rf build

-include $(shell find build/$(V)/obj -name '*.d' 2>/dev/null)
