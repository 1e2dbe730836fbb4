# The targets that people call.

.PHONY: demo run check check-long check-layers check-fresh fuzz bench soak

## make demo         install what is missing, build, play the whole story with stock clients, stop
demo:
	@scripts/deps demo
	@$(MAKE) --no-print-directory -s -j2 all
	@scripts/demo

## make run          the same set-up, then the service in the foreground
run:
	@scripts/deps demo
	@$(MAKE) --no-print-directory -s -j2 all
	@scripts/run

## make check        every test, under ASan and UBSan; one closing line
check:
	@scripts/deps check
	@tests/run

## make check-long   what takes longer: 200 kills, clang, full counts
check-long:
	@scripts/deps long
	@LG_LONG=1 tests/run

## make check-layers does every folder link and include only what is below it?
check-layers:
	@tests/layers

## make check-fresh  both commands in a new minimal Debian 12
check-fresh:
	@scripts/deps long
	@tests/fresh

## make fuzz         every fuzz target under libFuzzer, FUZZ_SECONDS (60) each
fuzz:
	@scripts/deps long
	@tests/fuzz-run

## make soak         everything that clients do, SOAK_SECONDS (300) long: memory and descriptors stay
soak:
	@scripts/deps check
	@$(MAKE) --no-print-directory -s -j2 all
	@bash tests/long/soak.sh

## make bench        figures beside their ceilings, measured in the same minute
bench:
	@scripts/deps long
	@$(MAKE) --no-print-directory -s -j2 all
	@bench/run

## make bench-gate   what the gate between containers costs a connection
.PHONY: bench-gate
bench-gate:
	@$(MAKE) --no-print-directory -s -j2 build/release/bench/agent_gate build/release/bench/doors_local
	@bench/gate

## make bench-doors  decisions at the doors: from a bundle, over the UNIX socket
.PHONY: bench-doors
bench-doors:
	@$(MAKE) --no-print-directory -s -j2 all $(patsubst bench/bench_%.c,$(B)/bench/%,$(wildcard bench/bench_doors*.c))
	@bench/doors && echo && bench/doors-host

## make bench-directory  LDAP beside slapd: the same data and load, in turns
.PHONY: bench-directory
bench-directory:
	@bench/run-directory

## make bench-sts    the token service beside its bars, npm oidc-provider and glewlwyd (BENCH_ONLY="refresh look": parts)
.PHONY: bench-sts
bench-sts:
	@scripts/deps long
	@$(MAKE) --no-print-directory -s -j2 all build/release/bench/server_load build/release/bench/server_empty build/release/bench/store
	@bench/sts

## make bench-certs  the certificate authority beside its bars, cfssl and pebble
.PHONY: bench-certs
bench-certs:
	@scripts/deps long
	@$(MAKE) --no-print-directory -s -j2 all build/release/bench/server_load build/release/bench/server_acme \
		$(patsubst bench/bench_%.c,build/release/bench/%,$(wildcard bench/bench_certs*.c))
	@bench/certs

## make bench-policy the policy engine on ten workloads, beside cedar-wasm
.PHONY: bench-policy
POLICY_WORK = build/policy-work
POLICY_WORKLOADS = todo-5 todo-50 drive-5 drive-50 forge-5 forge-50 ctr-10 ctr-100 ctr-1000 ctr-10000
bench-policy:
	@scripts/deps long
	@$(MAKE) --no-print-directory -s -j2 build/release/bench/policy build/release/bench/policy_work
	@mkdir -p $(POLICY_WORK) && build/release/bench/policy_work $(POLICY_WORK) $(POLICY_WORKLOADS)
	@node=$$(scripts/oracles) && $$node bench/policy_compare.mjs build/release/bench $(POLICY_WORK)

# bench/bench_<layer>.c: one program a layer, linked with what the layer may use; bench_doors_*: as a program at a door, with the agent's.
bench_layer = $(patsubst doors,agent,$(firstword $(subst _, ,$(1))))
BENCH = $(patsubst bench/bench_%.c,%,$(wildcard bench/bench_*.c))
define bench_rules
$(B)/bench/$(1): $(call obj,bench/bench_$(1).c) $(call libs_for,$(call bench_layer,$(1)))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $$^ $(LDFLAGS) $(call ext_for,$(call bench_layer,$(1))) -o $$@
endef
$(foreach b,$(BENCH),$(eval $(call bench_rules,$(b))))
bench-programs: $(foreach b,$(BENCH),$(B)/bench/$(b))
.PHONY: bench-programs

# tests/policy-diff/driver.c: the engine on generated programs, beside cedar-wasm.
$(B)/tests-policy-diff: $(call obj,tests/policy-diff/driver.c) $(call libs_for,policy)
	$(CC) $(CFLAGS) $^ $(LDFLAGS) $(call ext_for,policy) -o $@
policy-diff: $(B)/tests-policy-diff
.PHONY: policy-diff

print-ext:
	@echo $(call ext_for,$(L))

-include scripts/client.mk
-include scripts/policy.mk
-include scripts/install.mk
