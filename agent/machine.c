/* machine.c: see machine.h. */
#include "agent/machine.h"

#include <expat.h>
#include <stdio.h>

#define TEXT_MAX	4096		/* octets of an element's text that is looked at */
#define OURS		LG_MACHINE_NAMESPACE "|workload"

struct reading {
	struct lg_ctx *cx;
	XML_Parser parser;
	struct lg_oci *oci;
	lg_str name, id;
	int depth, elements;
	bool devices;			/* below <devices> */
	bool sources;			/* of the device: what it is of is looked at */
	int device;			/* depth of the device that we are in, 0: in none */
	int metadata;			/* the same of <metadata> */
	char kind[32], type[32];	/* of the device */
	lg_str text_of;			/* the element whose text is wanted; empty: none's */
	char text[TEXT_MAX];
	size_t ntext;
	const char *fault;
};

static void
fault(struct reading *r, const char *why)
{
	if (r->fault == NULL)
		r->fault = why;
	XML_StopParser(r->parser, XML_FALSE);
}

static void
add(struct reading *r, struct lg_oci_list *l, lg_str s)
{
	if (l->v == NULL)
		l->v = LG_NEWS(r->cx->arena, lg_str, LG_OCI_LIST);
	if (l->n == LG_OCI_LIST)
		fault(r, "more items than are taken here");
	else
		l->v[l->n++] = s;
}

static lg_str
attribute(const XML_Char **a, const char *name)
{
	for (; *a != NULL; a += 2)
		if (strcmp(a[0], name) == 0)
			return lg_str_of(a[1]);
	return LG_NONE;
}

/* ---- devices ---------------------------------------------------------------------------------------------------------- */

enum judgement { FINE, BY_SOURCE, HOSTS };

/* type NULL: any.  The first line that fits; what is in no line is the host's. */
static const struct {
	const char *kind, *type;
	enum judgement judgement;
} devices[] = {
	{ "controller", NULL, FINE }, { "graphics", NULL, FINE }, { "video", NULL, FINE }, { "sound", NULL, FINE }, { "audio", "none", FINE },
	{ "memballoon", NULL, FINE }, { "watchdog", NULL, FINE }, { "panic", NULL, FINE }, { "hub", NULL, FINE }, { "vsock", NULL, FINE },
	{ "iommu", NULL, FINE }, { "emulator", NULL, FINE }, { "rng", NULL, BY_SOURCE },
	{ "input", "passthrough", HOSTS }, { "input", "evdev", HOSTS }, { "input", NULL, FINE },
	{ "tpm", NULL, BY_SOURCE }, { "audio", "spice", FINE }, { "redirdev", "spicevmc", FINE }, { "redirdev", "dev", HOSTS }, { "redirdev", NULL, BY_SOURCE },
	{ "disk", "file", BY_SOURCE }, { "disk", "network", BY_SOURCE }, { "disk", "volume", BY_SOURCE }, { "disk", "dir", BY_SOURCE },
	{ "filesystem", "mount", BY_SOURCE }, { "filesystem", "ram", BY_SOURCE }, { "filesystem", "file", BY_SOURCE },
	{ "interface", "network", BY_SOURCE }, { "interface", "bridge", BY_SOURCE }, { "interface", "user", BY_SOURCE }, { "interface", "internal", BY_SOURCE },
	{ "interface", "direct", BY_SOURCE }, { "interface", "ethernet", BY_SOURCE },
	{ "console", "pty", FINE }, { "serial", "pty", FINE }, { "channel", "pty", FINE }, { "channel", "spicevmc", FINE },
	{ "console", "dev", HOSTS }, { "serial", "dev", HOSTS }, { "channel", "dev", HOSTS },
	{ "console", NULL, BY_SOURCE }, { "serial", NULL, BY_SOURCE }, { "channel", NULL, BY_SOURCE },
};

static void
copy(char *to, size_t size, lg_str from)
{
	snprintf(to, size, "%.*s", from.n < size ? (int)from.n : (int)size - 1, from.n > 0 ? from.p : "");
}

static void
begin_device(struct reading *r, const char *name, const XML_Char **a)
{
	struct lg_oci *o = r->oci;
	size_t i = 0;

	r->device = r->depth;
	copy(r->kind, sizeof r->kind, lg_str_of(name));
	copy(r->type, sizeof r->type, attribute(a, "type"));
	while (i < LG_COUNT(devices) && (strcmp(devices[i].kind, r->kind) != 0 || (devices[i].type != NULL && strcmp(devices[i].type, r->type) != 0)))
		i++;
	r->sources = i == LG_COUNT(devices) || devices[i].judgement != FINE;
	if (i == LG_COUNT(devices) || devices[i].judgement == HOSTS) {
		o->privileged = true;
		add(r, &o->devices, lg_print(r->cx->arena, "%s %s", r->kind, r->type));
	}
	if (strcmp(r->kind, "interface") == 0)
		o->host_network |= strcmp(r->type, "direct") == 0 || strcmp(r->type, "hostdev") == 0 || strcmp(r->type, "ethernet") == 0;
}

static bool
is_libvirts(lg_str path)
{
	return (lg_str_starts(path, LG_STR("/var/lib/libvirt/qemu/")) || lg_str_starts(path, LG_STR("/run/libvirt/qemu/"))) &&
	    memmem(path.p, path.n, "/..", 3) == NULL;
}

/* A path of the host: a disk's image or what lies below it, a shared folder, firmware, a socket. */
static void
take_path(struct reading *r, const char *what, lg_str path)
{
	bool readonly = strcmp(what, "loader") == 0 || strcmp(what, "kernel") == 0 || strcmp(what, "initrd") == 0 || strcmp(what, "dtb") == 0;
	struct lg_oci *o = r->oci;

	/* libvirt's own sockets and variables have names that change from start to start */
	if (path.n == 0 || (strcmp(what, "disk") != 0 && strcmp(what, "filesystem") != 0 && is_libvirts(path)))
		return;
	path = lg_dup(r->cx->arena, path);
	o->sensitive_mount |= !lg_str_starts(path, LG_STR("/")) || lg_oci_path_sensitive(r->cx, path, readonly) || lg_str_starts(path, LG_STR("/dev/"));
	add(r, &o->mounts, lg_print(r->cx->arena, "%s:%.*s", what, LG_FMT(path)));
}

static void
take_source(struct reading *r, const XML_Char **a)
{
	static const char *const paths[] = { "file", "dev", "dir", "path" }, *const others[] = { "network", "bridge", "pool", "volume", "name", "host" };
	bool interface = strcmp(r->kind, "interface") == 0;

	for (size_t i = 0; i < LG_COUNT(paths); i++) {
		lg_str path = attribute(a, paths[i]);
		if (path.n > 0 && interface)
			add(r, &r->oci->devices, lg_print(r->cx->arena, "interface %s %.*s", paths[i], LG_FMT(path)));
		else
			take_path(r, r->kind, path);
	}
	for (size_t i = 0; i < LG_COUNT(others); i++) {
		lg_str value = attribute(a, others[i]);
		if (value.n == 0)
			continue;
		add(r, &r->oci->devices, lg_print(r->cx->arena, "%s %s %.*s", r->kind, others[i], LG_FMT(value)));
		return;			/* what libvirt adds while it starts (a network's bridge) is no other device */
	}
}

/* <seclabel>: a machine that nothing confines is as its emulator's user. */
static void
take_label(struct reading *r, const XML_Char **a)
{
	lg_str type = attribute(a, "type"), relabel = attribute(a, "relabel");

	r->oci->privileged |= lg_str_eq(type, LG_STR("none")) || lg_str_eq(relabel, LG_STR("no"));
}

static void
take_metadata(struct reading *r, const XML_Char **a)
{
	r->oci->workload = lg_dup(r->cx->arena, attribute(a, "name"));
	r->oci->ticket = lg_dup(r->cx->arena, attribute(a, "ticket"));
	r->oci->image_digest = lg_dup(r->cx->arena, attribute(a, "image-digest"));
}

/* ---- elements -------------------------------------------------------------------------------------------------------------- */

/* Elements whose text is wanted, and how deep they stand. */
static const struct {
	const char *name;
	int depth;
} texts[] = {
	{ "uuid", 2 }, { "name", 2 }, { "emulator", 3 }, { "kernel", 3 }, { "initrd", 3 }, { "dtb", 3 }, { "loader", 3 }, { "nvram", 3 }, { "cmdline", 3 },
	{ "table", 4 }, { "backend", 4 },
};

static void
want_text(struct reading *r, const char *name)
{
	for (size_t i = 0; i < LG_COUNT(texts); i++)
		if (r->depth == texts[i].depth && strcmp(name, texts[i].name) == 0) {
			r->text_of = lg_str_of(texts[i].name);
			r->ntext = 0;
		}
}

static void
on_start(void *arg, const XML_Char *name, const XML_Char **a)
{
	struct reading *r = arg;

	if (++r->depth > LG_MACHINE_DEPTH || ++r->elements > LG_MACHINE_ELEMENTS) {
		fault(r, "more elements than are taken here");
		return;
	}
	if (r->depth == 1 && strcmp(name, "domain") != 0)
		fault(r, "no domain");
	if (r->depth == 2) {
		r->devices = strcmp(name, "devices") == 0;
		r->metadata = strcmp(name, "metadata") == 0 ? r->depth : 0;
	}
	if (r->metadata > 0) {
		if (r->depth == 3 && strcmp(name, OURS) == 0)
			take_metadata(r, a);
		return;
	}
	/* qemu's own namespace is a way past everything that libvirt knows; others are not known here */
	r->oci->privileged |= strchr(name, '|') != NULL;
	want_text(r, name);
	if (r->depth == 3 && r->devices)
		begin_device(r, name, a);
	else if (r->device > 0 && r->sources && (strcmp(name, "source") == 0 || strcmp(name, "device") == 0))
		take_source(r, a);
	else if (r->device == 0 && strcmp(name, "seclabel") == 0)
		take_label(r, a);
}

/* Of <rng>: what every process may read.  Any other file would be shown to the machine. */
static bool
is_chance(lg_str path)
{
	return lg_str_eq(path, LG_STR("/dev/urandom")) || lg_str_eq(path, LG_STR("/dev/random")) || lg_str_eq(path, LG_STR("/dev/hwrng"));
}

static void
take_text(struct reading *r)
{
	lg_str text = lg_dup(r->cx->arena, lg_str_trim((lg_str){ r->text, r->ntext })), what = r->text_of;

	r->text_of = LG_NONE;
	if (lg_str_eq(what, LG_STR("uuid"))) {
		r->id = text;
	} else if (lg_str_eq(what, LG_STR("name"))) {
		r->name = text;
	} else if (lg_str_eq(what, LG_STR("cmdline"))) {
		add(r, &r->oci->args, text);
	} else if (lg_str_eq(what, LG_STR("emulator"))) {
		/* another program than the distribution's emulator would run with libvirt's rights */
		r->oci->privileged |= !lg_str_starts(text, LG_STR("/usr/bin/qemu-")) || memmem(text.p, text.n, "..", 2) != NULL;
		add(r, &r->oci->args, text);
	} else if (!lg_str_eq(what, LG_STR("backend")) || !is_chance(text)) {
		take_path(r, what.p, text);
	}
}

static void
on_end(void *arg, const XML_Char *name)
{
	struct reading *r = arg;

	(void)name;
	if (r->text_of.n > 0)
		take_text(r);
	if (r->device == r->depth)
		r->device = 0;
	if (r->metadata == r->depth)
		r->metadata = 0;
	r->depth--;
}

static void
on_text(void *arg, const XML_Char *s, int n)
{
	struct reading *r = arg;

	if (r->text_of.n == 0)
		return;
	if (r->ntext + (size_t)n > sizeof r->text) {
		fault(r, "a text that is too long");
		return;
	}
	memcpy(r->text + r->ntext, s, (size_t)n);
	r->ntext += (size_t)n;
}

/* Entities come with a document type: no bomb without one, no file of ours in somebody's description. */
static void
on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	fault(arg, "a document type is not taken");
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------- */

static void
free_parser(XML_Parser *p)
{
	if (*p != NULL)
		XML_ParserFree(*p);
}

static lg_err
parse(struct reading *r, lg_str xml)
{
	LG_AUTO(free_parser) XML_Parser parser = XML_ParserCreateNS(NULL, '|');

	if (parser == NULL)
		return lg_fail(r->cx, LG_E_INTERNAL, "no XML parser");
	r->parser = parser;
	XML_SetUserData(parser, r);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	enum XML_Status status = xml.n > LG_OCI_MAX ? XML_STATUS_ERROR : XML_Parse(parser, xml.p, (int)xml.n, 1);
	if (r->fault != NULL || status != XML_STATUS_OK)
		return lg_fail(r->cx, LG_E_INVALID, "the domain's XML: line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(parser),
		    r->fault != NULL ? r->fault : XML_ErrorString(XML_GetErrorCode(parser)));
	return LG_OK;
}

/* The ticket is of one start; everything else must be the same at the next. */
static lg_err
finish(struct reading *r, lg_str xml)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);

	lg_oci_facts(r->oci, &b);
	lg_buf_str32(&b, r->id);
	lg_buf_str32(&b, r->oci->workload);
	LG_TRY(lg_buf_status(r->cx, &b));
	r->oci->sameness = lg_sha256_of(lg_buf_view(&b));
	r->oci->digest = lg_sha256_of(xml);
	return LG_OK;
}

lg_err
lg_machine_parse(struct lg_ctx *cx, lg_str xml, lg_str *id, struct lg_oci *ret)
{
	struct lg_oci oci = { .user = LG_STR("-1:-1"), .uid = -1, .gid = -1 };
	struct reading *r = LG_NEW(cx->arena, struct reading);
	lg_uuid uuid;

	r->cx = cx;
	r->oci = &oci;
	LG_TRY(parse(r, xml));
	if (!lg_uuid_parse(r->id, &uuid))
		return lg_fail(cx, LG_E_INVALID, "the domain's XML: no uuid");
	if (oci.workload.n == 0)
		oci.workload = r->name;
	LG_TRY(finish(r, xml));
	*id = r->id;
	*ret = oci;
	return LG_OK;
}
