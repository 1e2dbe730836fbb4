/* test_ldif.c: LDIF as it is read, refused with its line, and written. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "directory/ldif.h"

struct source {
	lg_str rest;
	size_t piece;
};

static lg_err
read_piece(void *arg, struct lg_ctx *cx, char *to, size_t size, size_t *n)
{
	struct source *s = arg;
	size_t most = s->piece < size ? s->piece : size;

	(void)cx;
	*n = s->rest.n < most ? s->rest.n : most;
	memcpy(to, s->rest.p, *n);
	s->rest = lg_str_sub(s->rest, *n, s->rest.n);
	return LG_OK;
}

static void
tell_values(struct lg_buf *out, const struct lg_values *v)
{
	lg_buf_printf(out, " %.*s=", LG_FMT(v->attribute));
	for (size_t i = 0; i < v->n; i++)
		lg_buf_printf(out, "%s%.*s", i == 0 ? "" : "|", LG_FMT(v->v[i]));
}

static void
tell(struct lg_buf *out, const struct lg_ldif_record *r)
{
	static const char *const kinds[] = { "entry", "add", "delete", "modify", "rename" };

	lg_buf_printf(out, "%llu %s %.*s", (unsigned long long)r->line, kinds[r->kind], LG_FMT(r->dn));
	for (size_t i = 0; i < r->n; i++) {
		if (r->kind == LG_LDIF_MODIFY)
			lg_buf_printf(out, " %d", (int)r->mods[i].kind);
		tell_values(out, r->kind == LG_LDIF_MODIFY ? &r->mods[i].values : &r->values[i]);
	}
	if (r->kind == LG_LDIF_RENAME)
		lg_buf_printf(out, " %.*s %d %.*s", LG_FMT(r->rdn), r->delete_old, LG_FMT(r->superior));
	lg_buf_byte(out, '\n');
}

/* Every record in one line, faults as they are told. */
static void
check(const char *text, size_t piece, const char *want)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(1u << 20);
	struct source s = { lg_str_of(text), piece };
	struct lg_ldif ld = lg_ldif_of(read_piece, &s);
	struct lg_ldif_record r;
	struct lg_ctx cx;
	lg_err e;

	lg_ctx_init(&cx, a);
	while ((e = lg_ldif_next(&cx, &ld, &r)) == LG_OK || e == LG_E_INVALID) {
		if (e == LG_OK)
			tell(&out, &r);
		else
			lg_buf_printf(&out, "%s\n", cx.error);
	}
	cr_assert_eq(e, LG_E_NOT_FOUND);
	lg_buf_byte(&out, '\0');
	cr_assert_str_eq(out.p, want, "in pieces of %zu:\n%s\nnot\n%s", piece, out.p, want);
	lg_ldif_end(&ld);
}

static void
check_in_pieces(const char *text, const char *want)
{
	for (size_t piece = 1; piece < 12; piece++)
		check(text, piece, want);
	check(text, SIZE_MAX, want);
}

Test(ldif, entries_are_read)
{
	check_in_pieces("version: 1\n# a comment\n  that goes on\n\ndn: cn=a,dc=b\nobjectClass: top\nobjectClass:person\ncn: a\nOBJECTclass: x\n"
	    "sn:: w7xiZXI=\ndescription: fol\n ded\n  text\ntitle:\nmail:   x@y \n\n\n\ndn:: Y249w7w=\r\ncn: \xc3\xbc\r\n\r\n",
	    "5 entry cn=a,dc=b objectClass=top|person cn=a OBJECTclass=x sn=\xc3\xbc" "ber description=folded text title= mail=x@y \n"
	    "19 entry cn=\xc3\xbc cn=\xc3\xbc\n");
	check_in_pieces("", "");
	check_in_pieces("\n\n# nothing\n\n", "");
	check_in_pieces("version: 1\n", "");
	check_in_pieces("dn: cn=last\ncn: last", "1 entry cn=last cn=last\n");
}

Test(ldif, changes_are_read)
{
	check_in_pieces("dn: cn=a\nchangetype: modify\nadd: sn\nsn: x\nsn: y\n-\ndelete: title\n-\nreplace: description\n-\nincrement: uidNumber\nuidNumber: 1\n\n"
	    "dn: cn=a\nchangetype: ModRDN\nnewrdn: cn=c\ndeleteoldrdn: 1\nnewsuperior: dc=d\n\n"
	    "dn: cn=a\nchangetype: moddn\nnewrdn: cn=c\ndeleteoldrdn: 0\n\n"
	    "dn: cn=a\nchangetype: delete\n\ndn: cn=e\ncontrol: 1.2.3 false\nchangetype: add\ncn: e\n\n"
	    "dn: cn=f\nchangetype: modify\n\n",
	    "1 modify cn=a 0 sn=x|y 1 title= 2 description= 3 uidNumber=1\n14 rename cn=a cn=c 1 dc=d\n20 rename cn=a cn=c 0 \n"
	    "25 delete cn=a\n28 add cn=e cn=e\n33 modify cn=f\n");
}

Test(ldif, a_fault_names_its_line_and_costs_one_record)
{
	check_in_pieces("dn: cn=a\nno line\ncn: a\n\ndn: cn=b\ncn: b\n", "line 2: not an attribute and its value\n5 entry cn=b cn=b\n");
	check_in_pieces("cn: a\n\ndn: cn=b\n\ndn: cn=c\ncn:: !\n\ndn: cn=d\ncn:< file:///etc/passwd\n\ndn: cn=e\ncn: \xff\n",
	    "line 1: a record begins with its dn\nline 3: an entry without attributes\nline 6: the value is no base64\n"
	    "line 9: values from URLs are not taken\nline 12: the value is no text: it goes in base64\n");
	check_in_pieces("version: 2\n\ndn: cn=a\nchangetype: frob\n\ndn: cn=a\nchangetype: delete\ncn: a\n\ndn: cn=a\nchangetype: modify\nadd: sn\ncn: a\n\n"
	    "dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n\ndn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\ndeleteoldrdn: 2\n\n"
	    "dn: cn=a\ncontrol: 1.2.3 true\nchangetype: delete\n\ndn: cn=a\ncn: a\ndn: cn=b\ncn: b\n",
	    "line 1: LDIF of another version than 1\nline 4: changetype is add, delete, modify, modrdn or moddn\n"
	    "line 8: nothing follows changetype: delete\nline 13: the value of another attribute than the one that is changed\n"
	    "line 17: the record ends without deleteoldrdn\nline 22: deleteoldrdn is 0 or 1\n"
	    "line 25: a critical control, and none is taken here\nline 30: a second dn: a blank line is missing before it\n");
}

Test(ldif, a_record_has_a_limit)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	size_t n = LG_LDIF_RECORD_MAX + 2 * LG_LDIF_READ;
	char *text = malloc(n);
	struct source s = { { text, n }, SIZE_MAX };
	struct lg_ldif ld = lg_ldif_of(read_piece, &s);
	struct lg_ldif_record r;
	struct lg_ctx cx;

	cr_assert_not_null(text);
	memset(text, 'x', n);
	lg_ctx_init(&cx, a);
	cr_assert_eq(lg_ldif_next(&cx, &ld, &r), LG_E_LIMIT);
	lg_ldif_end(&ld);
	free(text);
}

/* ---- writing --------------------------------------------------------------------------------------------------------------- */

static void
check_written(lg_str value, const char *want)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(4096);

	lg_ldif_put(&out, LG_STR("cn"), value);
	lg_buf_byte(&out, '\0');
	cr_assert_str_eq(out.p, want, "'%s', not '%s'", out.p, want);
}

Test(ldif, values_are_written_plain_where_they_may_be)
{
	check_written(LG_STR("a b"), "cn: a b\n");
	check_written(LG_STR(""), "cn:\n");
	check_written(LG_STR(" a"), "cn:: IGE=\n");
	check_written(LG_STR("a "), "cn:: YSA=\n");
	check_written(LG_STR(":a"), "cn:: OmE=\n");
	check_written(LG_STR("<a"), "cn:: PGE=\n");
	check_written(LG_STR("a\nb"), "cn:: YQpi\n");
	check_written(LG_STR("a\0b"), "cn:: YQBi\n");
	check_written(LG_STR("\xc3\xbc"), "cn:: w7w=\n");
}

Test(ldif, long_lines_are_folded)
{
	check_written(LG_STR("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"),
	    "cn: 012345678901234567890123456789012345678901234567890123456789012345678901\n 2345678901234567890123456789\n");
}
