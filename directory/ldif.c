/* ldif.c: reading LDIF (RFC 2849).  Lines are unfolded where they stand; a record is kept whole, so that nothing is copied twice. */
#include "directory/ldif.h"

#include <inttypes.h>

#include "base/text.h"

struct lg_ldif
lg_ldif_of(lg_err (*read)(void *, struct lg_ctx *, char *, size_t, size_t *), void *arg)
{
	return (struct lg_ldif){ .read = read, .arg = arg, .in = LG_BUF(LG_LDIF_RECORD_MAX + 2 * LG_LDIF_READ), .line = 1 };
}

void
lg_ldif_end(struct lg_ldif *ld)
{
	lg_buf_wipe(&ld->in);
}

/* ---- where a record ends ------------------------------------------------------------------------------------------- */

static lg_err
fill(struct lg_ctx *cx, struct lg_ldif *ld)
{
	size_t n = 0;

	if (ld->at > 0) {
		lg_buf_drop(&ld->in, ld->at);
		ld->at = 0;
	}
	if (ld->in.n > LG_LDIF_RECORD_MAX || !lg_buf_reserve(&ld->in, LG_LDIF_READ))
		return lg_fail(cx, LG_E_LIMIT, "line %" PRIu64 ": a record of more than %u octets", ld->line, LG_LDIF_RECORD_MAX);
	LG_TRY(ld->read(ld->arg, cx, ld->in.p + ld->in.n, LG_LDIF_READ, &n));
	ld->in.n += n;
	ld->ended = n == 0;
	return LG_OK;
}

/* Octets of the line break at i: 0 none. */
static size_t
line_break(lg_str s, size_t i)
{
	if (i < s.n && s.p[i] == '\n')
		return 1;
	return i + 1 < s.n && s.p[i] == '\r' && s.p[i + 1] == '\n' ? 2 : 0;
}

static lg_str
unread(const struct lg_ldif *ld)
{
	return lg_str_sub(lg_buf_view(&ld->in), ld->at, ld->in.n);
}

static lg_err
skip_blank_lines(struct lg_ctx *cx, struct lg_ldif *ld)
{
	for (;;) {
		lg_str rest = unread(ld);
		size_t n = line_break(rest, 0);
		if (n > 0) {
			ld->at += n;
			ld->line++;
		} else if (rest.n < 2 && !ld->ended) {	/* a CR may be half a line break */
			LG_TRY(fill(cx, ld));
		} else {
			return rest.n == 0 ? LG_E_NOT_FOUND : LG_OK;
		}
	}
}

/* The octets up to the blank line, which may not have been read yet. */
static lg_err
find_record(struct lg_ctx *cx, struct lg_ldif *ld, lg_str *ret)
{
	size_t from = 0;

	for (;;) {
		lg_str rest = unread(ld);
		const char *at = NULL;
		while (from < rest.n && (at = memchr(rest.p + from, '\n', rest.n - from)) != NULL) {
			from = (size_t)(at - rest.p) + 1;
			if (line_break(rest, from) > 0) {
				*ret = lg_str_sub(rest, 0, from);
				return LG_OK;
			}
			if (from + 1 >= rest.n && !ld->ended) {
				from--;		/* whether a blank line follows is not known yet */
				break;
			}
		}
		if (ld->ended) {
			*ret = rest;
			return LG_OK;
		}
		if (at == NULL)
			from = rest.n;
		LG_TRY(fill(cx, ld));
	}
}

/* ---- lines ----------------------------------------------------------------------------------------------------------- */

struct lines {
	struct lg_ctx *cx;
	struct lg_ldif *ld;
	char *p, *end;
	uint64_t next;			/* the number of the line at p */
	uint64_t line;			/* of the one that was taken */
};

/* One logical line: what was folded is moved together, in place.  False at the end of the record. */
static bool
take_raw(struct lines *ls, lg_str *ret)
{
	char *from = ls->p, *to = NULL;

	if (ls->p == ls->end)
		return false;
	ls->line = ls->next;
	do {
		char *nl = memchr(ls->p, '\n', (size_t)(ls->end - ls->p)), *stop = nl == NULL ? ls->end : nl;
		size_t n = (size_t)(stop - ls->p);
		if (n > 0 && stop[-1] == '\r')
			n--;
		if (to == NULL) {
			to = ls->p + n;
		} else {			/* without the blank that says that it goes on */
			memmove(to, ls->p + 1, n - 1);
			to += n - 1;
		}
		ls->p = nl == NULL ? ls->end : nl + 1;
		ls->next++;
	} while (ls->p < ls->end && *ls->p == ' ');
	*ret = (lg_str){ from, (size_t)(to - from) };
	return true;
}

static bool
take_line(struct lines *ls, lg_str *ret)
{
	while (take_raw(ls, ret))
		if (ret->n == 0 || ret->p[0] != '#')
			return true;
	return false;
}

static lg_err
malformed(struct lines *ls, const char *what)
{
	return lg_fail(ls->cx, LG_E_INVALID, "line %" PRIu64 ": %s", ls->line, what);
}

static lg_str
skip_fill(lg_str s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = lg_str_sub(s, 1, s.n);
	return s;
}

static bool
name_is_good(lg_str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != ';' && c != '_')
			return false;
	}
	return name.n > 0;
}

/* "name: value", "name:: base64", "name:< url" */
static lg_err
split(struct lines *ls, lg_str line, lg_str *name, lg_str *value)
{
	lg_str rest;

	if (!lg_str_cut(line, ':', name, &rest) || !name_is_good(*name))
		return malformed(ls, "not an attribute and its value");
	if (rest.n > 0 && rest.p[0] == ':') {
		if (!lg_base64_parse(ls->cx->arena, skip_fill(lg_str_sub(rest, 1, rest.n)), value))
			return malformed(ls, "the value is no base64");
		return LG_OK;
	}
	if (rest.n > 0 && rest.p[0] == '<') {
		if (ls->ld->url == NULL)
			return malformed(ls, "values from URLs are not taken");
		LG_TRY(ls->ld->url(ls->ld->arg, ls->cx, skip_fill(lg_str_sub(rest, 1, rest.n)), value));
		return LG_OK;
	}
	*value = skip_fill(rest);
	/* RFC 2849 wants anything but ASCII in base64; UTF-8 as it is, is common and harmless. */
	return memchr(value->p, '\0', value->n) == NULL && lg_utf8_valid(*value) ? LG_OK : malformed(ls, "the value is no text: it goes in base64");
}

/* The next line, which must be there and have this name. */
static lg_err
expect(struct lines *ls, lg_str wanted, lg_str *value)
{
	lg_str line, name;

	if (!take_line(ls, &line))
		return lg_fail(ls->cx, LG_E_INVALID, "line %" PRIu64 ": the record ends without %.*s", ls->line, LG_FMT(wanted));
	LG_TRY(split(ls, line, &name, value));
	if (!lg_str_eq_fold(name, wanted))
		return lg_fail(ls->cx, LG_E_INVALID, "line %" PRIu64 ": %.*s where %.*s must stand", ls->line, LG_FMT(name), LG_FMT(wanted));
	return LG_OK;
}

static size_t
count_lines(const struct lines *ls)
{
	size_t n = 1;

	for (const char *p = ls->p; p < ls->end && (p = memchr(p, '\n', (size_t)(ls->end - p))) != NULL; p++)
		n++;
	return n;
}

/* ---- what a record holds ------------------------------------------------------------------------------------------------ */

struct values {
	struct lg_values *list;
	lg_str *v;			/* of all lists, one behind the other */
	size_t n, nv;
};

static void
add_value(struct values *vs, lg_str name, lg_str value)
{
	struct lg_values *last = vs->n == 0 ? NULL : &vs->list[vs->n - 1];

	if (last == NULL || !lg_str_eq_fold(last->attribute, name)) {
		last = &vs->list[vs->n++];
		*last = (struct lg_values){ name, &vs->v[vs->nv], 0 };
	}
	vs->v[vs->nv++] = value;
	last->n++;
}

static lg_err
read_values(struct lines *ls, bool has_first, lg_str name, lg_str value, struct lg_ldif_record *ret)
{
	size_t room = count_lines(ls) + 1;
	struct values vs = { LG_NEWS(ls->cx->arena, struct lg_values, room), LG_NEWS(ls->cx->arena, lg_str, room), 0, 0 };
	lg_str line;

	if (has_first)
		add_value(&vs, name, value);
	while (take_line(ls, &line)) {
		LG_TRY(split(ls, line, &name, &value));
		if (lg_str_eq_fold(name, LG_STR("dn")))
			return malformed(ls, "a second dn: a blank line is missing before it");
		add_value(&vs, name, value);
	}
	ret->values = vs.list;
	ret->n = vs.n;
	return vs.n > 0 ? LG_OK : malformed(ls, "an entry without attributes");
}

static bool
modify_kind(lg_str name, enum lg_modify *ret)
{
	static const lg_str names[] = { LG_STR("add"), LG_STR("delete"), LG_STR("replace"), LG_STR("increment") };

	for (size_t i = 0; i < LG_COUNT(names); i++)
		if (lg_str_eq_fold(name, names[i])) {
			*ret = (enum lg_modify)i;
			return true;
		}
	return false;
}

/* "add: sn", "sn: x", "-"; the last "-" may be missing, as OpenLDAP allows. */
static lg_err
read_modification(struct lines *ls, lg_str line, lg_str **room, struct lg_modification *ret)
{
	lg_str name, value;

	LG_TRY(split(ls, line, &name, &value));
	if (!modify_kind(name, &ret->kind) || !name_is_good(value))
		return malformed(ls, "add, delete, replace or increment and an attribute must stand here");
	ret->values = (struct lg_values){ value, *room, 0 };
	while (take_line(ls, &line) && !lg_str_eq(line, LG_STR("-"))) {
		LG_TRY(split(ls, line, &name, &value));
		if (!lg_str_eq_fold(name, ret->values.attribute))
			return malformed(ls, "the value of another attribute than the one that is changed");
		*(*room)++ = value;
		ret->values.n++;
	}
	return LG_OK;
}

static lg_err
read_modify(struct lines *ls, struct lg_ldif_record *ret)
{
	size_t most = count_lines(ls);
	lg_str *room = LG_NEWS(ls->cx->arena, lg_str, most), line;

	ret->mods = LG_NEWS(ls->cx->arena, struct lg_modification, most);
	for (ret->n = 0; take_line(ls, &line); ret->n++)
		LG_TRY(read_modification(ls, line, &room, &ret->mods[ret->n]));
	return LG_OK;
}

static lg_err
read_rename(struct lines *ls, struct lg_ldif_record *ret)
{
	lg_str line, name, drop;

	LG_TRY(expect(ls, LG_STR("newrdn"), &ret->rdn));
	LG_TRY(expect(ls, LG_STR("deleteoldrdn"), &drop));
	if (!lg_str_eq(drop, LG_STR("0")) && !lg_str_eq(drop, LG_STR("1")))
		return malformed(ls, "deleteoldrdn is 0 or 1");
	ret->delete_old = drop.p[0] == '1';
	ret->has_superior = take_line(ls, &line);
	if (!ret->has_superior)
		return LG_OK;
	LG_TRY(split(ls, line, &name, &ret->superior));
	return lg_str_eq_fold(name, LG_STR("newsuperior")) && !take_line(ls, &line) ? LG_OK : malformed(ls, "newsuperior alone may follow");
}

static lg_err
read_add(struct lines *ls, struct lg_ldif_record *ret)
{
	return read_values(ls, false, LG_NONE, LG_NONE, ret);
}

static lg_err
read_delete(struct lines *ls, struct lg_ldif_record *ret)
{
	lg_str line;

	(void)ret;
	return take_line(ls, &line) ? malformed(ls, "nothing follows changetype: delete") : LG_OK;
}

static const struct {
	lg_str name;
	enum lg_ldif_kind kind;
	lg_err (*read)(struct lines *, struct lg_ldif_record *);
} changes[] = {
	{ LG_STR("add"), LG_LDIF_ADD, read_add },
	{ LG_STR("delete"), LG_LDIF_DELETE, read_delete },
	{ LG_STR("modify"), LG_LDIF_MODIFY, read_modify },
	{ LG_STR("modrdn"), LG_LDIF_RENAME, read_rename },
	{ LG_STR("moddn"), LG_LDIF_RENAME, read_rename },
};

static lg_err
read_change(struct lines *ls, lg_str type, struct lg_ldif_record *ret)
{
	for (size_t i = 0; i < LG_COUNT(changes); i++)
		if (lg_str_eq_fold(type, changes[i].name)) {
			ret->kind = changes[i].kind;
			return changes[i].read(ls, ret);
		}
	return malformed(ls, "changetype is add, delete, modify, modrdn or moddn");
}

/* Behind the dn: an entry, or controls and a change. */
static lg_err
read_body(struct lines *ls, struct lg_ldif_record *ret)
{
	lg_str line, name, value;

	while (take_line(ls, &line)) {
		LG_TRY(split(ls, line, &name, &value));
		if (lg_str_eq_fold(name, LG_STR("changetype")))
			return read_change(ls, value, ret);
		if (!lg_str_eq_fold(name, LG_STR("control")))
			return read_values(ls, true, name, value, ret);
		if (lg_str_ends(value, LG_STR(" true")) || memmem(value.p, value.n, " true:", 6) != NULL)
			return malformed(ls, "a critical control, and none is taken here");
	}
	return malformed(ls, "an entry without attributes");
}

static lg_err
read_record(struct lines *ls, struct lg_ldif_record *ret, bool *empty)
{
	lg_str line, name, value;

	*empty = !take_line(ls, &line);
	if (*empty)
		return LG_OK;
	LG_TRY(split(ls, line, &name, &value));
	if (ls->ld->records == 0 && lg_str_eq_fold(name, LG_STR("version"))) {
		if (!lg_str_eq(value, LG_STR("1")))
			return malformed(ls, "LDIF of another version than 1");
		*empty = !take_line(ls, &line);
		if (*empty)
			return LG_OK;
		LG_TRY(split(ls, line, &name, &value));
	}
	if (!lg_str_eq_fold(name, LG_STR("dn")))
		return malformed(ls, "a record begins with its dn");
	*ret = (struct lg_ldif_record){ .line = ls->line, .dn = value };
	return read_body(ls, ret);
}

lg_err
lg_ldif_next(struct lg_ctx *cx, struct lg_ldif *ld, struct lg_ldif_record *ret)
{
	bool empty = true;
	lg_err e = LG_OK;

	while (empty && e == LG_OK) {
		lg_str all;
		LG_TRY(skip_blank_lines(cx, ld));
		LG_TRY(find_record(cx, ld, &all));
		struct lines ls = { cx, ld, ld->in.p + ld->at, ld->in.p + ld->at + all.n, ld->line, ld->line };
		e = read_record(&ls, ret, &empty);
		/* The rest of a malformed record is passed over: its lines count all the same. */
		ld->line = ls.next + count_lines(&ls) - 1;
		ld->at += all.n;
		ld->records += !empty;
	}
	return e;
}
