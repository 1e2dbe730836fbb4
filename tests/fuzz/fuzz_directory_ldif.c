/*
 * fuzz_directory_ldif.c: any bytes as LDIF.  In pieces of any size they give the same records and faults as in one; an entry that
 * was read is written and read again as the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "directory/ldif.h"
#include "lightgate/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	if (*n > 0)
		memcpy(to, s->rest.p, *n);
	s->rest = lg_str_sub(s->rest, *n, s->rest.n);
	return LG_OK;
}

static void
note(struct lg_buf *out, const struct lg_values *v)
{
	lg_buf_str32(out, v->attribute);
	for (size_t i = 0; i < v->n; i++)
		lg_buf_str32(out, v->v[i]);
}

static void
note_record(struct lg_buf *out, const struct lg_ldif_record *r)
{
	lg_buf_byte(out, (char)r->kind);
	lg_buf_u64(out, r->line);
	lg_buf_str32(out, r->dn);
	for (size_t i = 0; i < r->n; i++)
		note(out, r->kind == LG_LDIF_MODIFY ? &r->mods[i].values : &r->values[i]);
	lg_buf_str32(out, r->rdn);
	lg_buf_str32(out, r->superior);
}

static void
must(bool b)
{
	if (!b)
		abort();
}

/* Names are compared without case by the reader, so that runs of one attribute stay runs. */
static void
write_and_read(const struct lg_ldif_record *r)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(16u << 20);
	struct lg_ldif_record again;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	lg_ldif_put(&text, LG_STR("dn"), r->dn);
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->values[i].n; k++)
			lg_ldif_put(&text, r->values[i].attribute, r->values[i].v[k]);
	struct source s = { lg_buf_view(&text), SIZE_MAX };
	struct lg_ldif ld = lg_ldif_of(read_piece, &s);
	must(lg_ldif_next(&cx, &ld, &again) == LG_OK);
	must(again.n == r->n && lg_str_eq(again.dn, r->dn));
	for (size_t i = 0; i < r->n; i++) {
		must(again.values[i].n == r->values[i].n);
		for (size_t k = 0; k < r->values[i].n; k++)
			must(lg_str_eq(again.values[i].v[k], r->values[i].v[k]));
	}
	lg_ldif_end(&ld);
}

static lg_sha256
read_all(lg_str input, size_t piece, bool write)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf seen = LG_BUF(64u << 20);
	struct source s = { input, piece };
	struct lg_ldif ld = lg_ldif_of(read_piece, &s);
	struct lg_ldif_record r;
	struct lg_ctx cx;
	lg_err e;

	lg_ctx_init(&cx, a);
	while ((e = lg_ldif_next(&cx, &ld, &r)) == LG_OK || e == LG_E_INVALID) {
		if (e == LG_OK)
			note_record(&seen, &r);
		else
			lg_buf_str(&seen, lg_str_of(cx.error));
		/* "changetype" and "control" as first attributes are no attributes. */
		if (write && e == LG_OK && r.kind == LG_LDIF_ENTRY)
			write_and_read(&r);
		lg_arena_reset(a);
	}
	must(e == LG_E_NOT_FOUND || e == LG_E_LIMIT);
	lg_buf_u64(&seen, ld.line);
	lg_ldif_end(&ld);
	return lg_sha256_of(lg_buf_view(&seen));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lg_str input = { (const char *)data, size };
	lg_sha256 whole, pieces;

	if (size == 0)
		return 0;
	whole = read_all(input, SIZE_MAX, true);
	pieces = read_all(input, 1 + data[0] % 7, false);
	must(memcmp(&whole, &pieces, sizeof whole) == 0);
	return 0;
}
