# Where `make install` puts things: programs, the libraries, manual pages, the example of the settings, systemd units.
# DESTDIR is put before every path, for packages; a lightgate.conf that is there already is kept.

PREFIX ?= /usr/local
prefix ?= $(PREFIX)
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
INSTALL ?= install

.PHONY: install uninstall install-client install-policy uninstall-client uninstall-policy
UNITS = $(notdir $(wildcard conf/systemd/*.service))
MANUALS = $(notdir $(wildcard docs/man/*.[1-9]))
# man lightgate_decide: the page of the whole library
FUNCTIONS = $(shell sed -n 's/^\t\t\(lightgate_[a-z_]*\);/\1/p' client/liblightgate.map)

## make install      programs, libraries, manual pages, settings and units below DESTDIR and prefix (/usr/local)
install: all install-client install-policy
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(unitdir) $(DESTDIR)$(sysconfdir)/lightgate
	$(INSTALL) -m 0755 $(PROGRAMS) $(DESTDIR)$(bindir)
	for m in $(MANUALS); do $(INSTALL) -D -m 0644 docs/man/$$m $(DESTDIR)$(mandir)/man$${m##*.}/$$m || exit 1; done
	for f in $(FUNCTIONS); do echo .so man3/liblightgate.3 >$(DESTDIR)$(mandir)/man3/$$f.3 || exit 1; done
	for u in $(UNITS); do \
		sed 's|@bindir@|$(bindir)|' conf/systemd/$$u >$(DESTDIR)$(unitdir)/$$u && chmod 0644 $(DESTDIR)$(unitdir)/$$u || exit 1; done
	test -e $(DESTDIR)$(sysconfdir)/lightgate/lightgate.conf || \
		$(INSTALL) -m 0644 conf/lightgate.conf $(DESTDIR)$(sysconfdir)/lightgate/lightgate.conf

# Settings and data stay.
uninstall: uninstall-client uninstall-policy
	rm -f $(addprefix $(DESTDIR)$(bindir)/,$(notdir $(PROGRAMS))) $(addprefix $(DESTDIR)$(unitdir)/,$(UNITS))
	for m in $(MANUALS) $(addsuffix .3,$(FUNCTIONS)); do rm -f $(DESTDIR)$(mandir)/man$${m##*.}/$$m; done
