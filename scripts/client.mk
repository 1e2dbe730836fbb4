# liblightgate.so for other programs, its pkg-config file, and the example that uses both.

SO = build/lib/liblightgate.so
PC = build/lib/pkgconfig/liblightgate.pc
SO_PARTS = $(call libs_for,client)

.PHONY: client client-abi install-client

## make client       liblightgate.so and examples/controller
client: $(SO) $(PC) build/examples/controller

ifeq ($(V),release)
all: client

# Only what client.h declares can be seen from outside; what nobody needs of the archives is left out.
$(SO).1: $(SO_PARTS) client/liblightgate.map
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-soname,liblightgate.so.1 -Wl,--version-script=client/liblightgate.map -Wl,-z,defs -Wl,-z,relro,-z,now \
		-Wl,--as-needed -Wl,--gc-sections -Wl,--whole-archive $(call lib,client) -Wl,--no-whole-archive \
		$(filter-out $(call lib,client),$(SO_PARTS)) $(call ext_for,client) -o $@
$(SO): $(SO).1
	ln -sf liblightgate.so.1 $@
endif

$(PC): client/liblightgate.pc.in
	@mkdir -p $(@D)
	sed 's|@libdir@|$(CURDIR)/build/lib|; s|@includedir@|$(CURDIR)/include|' $< > $@

# As a stranger would build it: the header, the library, nothing of ours.
build/examples/%: examples/%.c include/lightgate/client.h $(SO) $(PC)
	@mkdir -p $(@D)
	$(CC) -std=c11 -Wall -Wextra -Werror -O2 -g $< $$(PKG_CONFIG_PATH=build/lib/pkgconfig pkg-config --cflags --libs liblightgate) \
		-Wl,-rpath,'$$ORIGIN/../lib' -o $@

# What programs were built against.  tests/e2e/abi.sh compares the library with it; a change on purpose writes it anew.
ABIDW = abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --header-file include/lightgate/client.h --drop-private-types \
	--exported-interfaces-only
ABI ?= client/liblightgate.abi
## make client-abi   writes down the library's binary interface as it is now (client/liblightgate.abi)
client-abi: $(SO)
	$(ABIDW) $(SO).1 --out-file $(ABI)

install-client: $(SO)
	install -d $(DESTDIR)$(prefix)/lib/pkgconfig $(DESTDIR)$(prefix)/include/lightgate
	install -m 0755 $(SO).1 $(DESTDIR)$(prefix)/lib/
	ln -sf liblightgate.so.1 $(DESTDIR)$(prefix)/lib/liblightgate.so
	install -m 0644 include/lightgate/client.h $(DESTDIR)$(prefix)/include/lightgate/
	sed 's|@libdir@|$(prefix)/lib|; s|@includedir@|$(prefix)/include|' client/liblightgate.pc.in \
		> $(DESTDIR)$(prefix)/lib/pkgconfig/liblightgate.pc

uninstall-client:
	rm -f $(DESTDIR)$(prefix)/lib/liblightgate.so $(DESTDIR)$(prefix)/lib/liblightgate.so.1 $(DESTDIR)$(prefix)/lib/pkgconfig/liblightgate.pc \
		$(DESTDIR)$(prefix)/include/lightgate/client.h
