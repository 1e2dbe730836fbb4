# liblightgate-policy.a for programs that decide in their own process, its pkg-config file, and an example that uses both.

POLICY_A = build/lib/liblightgate-policy.a
POLICY_PC = build/lib/pkgconfig/liblightgate-policy.pc
POLICY_HEADERS = include/lightgate/policy.h include/lightgate/base.h

.PHONY: policy-library install-policy

## make policy-library  liblightgate-policy.a and examples/decide
policy-library: $(POLICY_A) $(POLICY_PC) build/examples/decide

ifeq ($(V),release)
all: policy-library

# What base/ has for others (YAML) stays out of programs that do not ask for it.
$(POLICY_A): $(call obj,$(call src,policy) $(call src,base))
	@mkdir -p $(@D)
	@rm -f $@
	ar rcsD $@ $^
endif

$(POLICY_PC): policy/liblightgate-policy.pc.in
	@mkdir -p $(@D)
	sed 's|@libdir@|$(CURDIR)/build/lib|; s|@includedir@|$(CURDIR)/include|' $< > $@

build/examples/decide: examples/decide.c $(POLICY_HEADERS) $(POLICY_A) $(POLICY_PC)
	@mkdir -p $(@D)
	$(CC) -std=c11 -Wall -Wextra -Werror -O2 -g $< \
		$$(PKG_CONFIG_PATH=build/lib/pkgconfig pkg-config --cflags --libs liblightgate-policy) -o $@

install-policy: $(POLICY_A)
	install -d $(DESTDIR)$(prefix)/lib/pkgconfig $(DESTDIR)$(prefix)/include/lightgate
	install -m 0644 $(POLICY_A) $(DESTDIR)$(prefix)/lib/
	install -m 0644 $(POLICY_HEADERS) $(DESTDIR)$(prefix)/include/lightgate/
	sed 's|@libdir@|$(prefix)/lib|; s|@includedir@|$(prefix)/include|' policy/liblightgate-policy.pc.in \
		> $(DESTDIR)$(prefix)/lib/pkgconfig/liblightgate-policy.pc

uninstall-policy:
	rm -f $(DESTDIR)$(prefix)/lib/$(notdir $(POLICY_A)) $(DESTDIR)$(prefix)/lib/pkgconfig/liblightgate-policy.pc \
		$(addprefix $(DESTDIR)$(prefix)/include/lightgate/,$(notdir $(POLICY_HEADERS)))
