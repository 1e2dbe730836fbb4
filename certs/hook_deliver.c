/*
 * hook_deliver.c: what a webhook has not been told yet is collected, posted and noted.  On workers, which wait for the other side.
 *
 * The signature is HMAC-SHA-256 with the webhook's secret over "<timestamp>.<body>": Lightgate-Signature: t=...,v1=<hex>.  Whoever checks
 * it refuses old timestamps, so that nothing can be played again.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "certs/hook.h"
#include "certs/routes.h"
#include "certs/search.h"
#include "certs/trust.h"

#define BODY_MAX	(192u << 10)
#define ANSWER_MAX	4096
#define BATCHES		16		/* of one webhook in one turn */

/* Before the next attempt; the last one is repeated for as long as it takes. */
static const int64_t pauses[] = { 2 * LG_SECOND, 5 * LG_SECOND, 30 * LG_SECOND, 3 * LG_MINUTE, 15 * LG_MINUTE };

/* ---- the webhooks ------------------------------------------------------------------------------------------ */

static lg_err
names(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str ret[LG_HOOKS], size_t *n)
{
	struct lg_hook *h = LG_NEWS(cx->arena, struct lg_hook, LG_HOOKS);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	LG_TRY(lg_hook_all(cx, v, tenant, h, n));
	for (size_t i = 0; i < *n; i++)
		ret[i] = h[i].name;
	return LG_OK;
}

static lg_err
read_hook(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str name, struct lg_hook *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	return lg_hook_get(cx, v, tenant, name, ret);
}

/* ---- one delivery ------------------------------------------------------------------------------------------- */

static lg_err
open_secret(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_hook *h, struct lg_secret *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	const struct lg_signer *signer = &c->ports.signer;
	const struct lg_secret *key;
	lg_str sealed;

	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	LG_TRY(lg_blob_get(cx, v, tenant, h->secret, &sealed));
	LG_TRY(signer->data_key(signer->self, cx, tenant, &key));
	return lg_unseal(cx, key, lg_cat(cx->arena, LG_STR("certs.hook"), h->name), sealed, ret);
}

lg_err
lg_hook_post(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_hook *h, lg_str body, int *status)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = { NULL, 0 };
	struct lg_web_request rq = { .url = h->url, .ca = h->ca, .type = LG_STR("application/json"), .body = body, .max = ANSWER_MAX };
	long long now = cx->now / LG_SECOND;
	struct lg_web_reply reply;

	*status = 0;
	if (c->ports.web.ask == NULL)
		return lg_fail(cx, LG_E_UNSUPPORTED, "nobody is asked outside");
	LG_TRY(open_secret(cx, c, tenant, h, &secret));
	lg_store_turn(c->ports.store);		/* no snapshot stays open across the network */
	lg_sha256 mac = lg_hmac_sha256(&secret, lg_print(cx->arena, "%lld.%.*s", now, LG_FMT(body)));
	rq.signature = lg_print(cx->arena, "t=%lld,v1=%.*s", now, LG_FMT(lg_hex(cx->arena, lg_sha256_str(&mac))));
	LG_TRY(c->ports.web.ask(c->ports.web.self, cx, &rq, &reply));
	*status = reply.status;
	return reply.status >= 200 && reply.status < 300 ? LG_OK : lg_fail(cx, LG_E_UNAVAILABLE, "status %d", reply.status);
}

/* ---- what is to be told ---------------------------------------------------------------------------------------- */

struct batch {
	struct lg_ctx *cx;
	struct lg_buf body;
	struct lg_jsonw w;
	const struct lg_hook *hook;
	struct lg_hook after;		/* as it stands when this is taken */
	unsigned n;
};

static void
put_row(struct batch *b, const struct lg_cert_row *row)
{
	struct lg_jsonw *w = &b->w;

	lg_jsonw_str_of(w, "profile", row->profile);
	lg_routes_put_subject(w, row->type, row->name);
	lg_jsonw_time_of(w, "expires", row->expires);
}

static void
put_entry(struct batch *b, struct lg_view *v, uint32_t tenant, const struct lg_ledger_entry *e)
{
	struct lg_jsonw *w = &b->w;
	struct lg_cert_row row;

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "id", lg_print(b->cx->arena, "ledger-%llu", (unsigned long long)e->index));
	lg_jsonw_str_of(w, "event", e->kind == LG_LEDGER_ISSUED ? LG_STR("issued") : LG_STR("revoked"));
	lg_jsonw_time_of(w, "time", e->time);
	lg_jsonw_str_of(w, "serial", lg_serial_text(b->cx->arena, &e->serial));
	lg_jsonw_str_of(w, "sha256", lg_hex(b->cx->arena, lg_sha256_str(&e->sha256)));
	if (e->kind == LG_LEDGER_REVOKED)
		lg_jsonw_str_of(w, "reason", lg_revocation_name(e->why));
	if (lg_cert_find(b->cx, v, tenant, &e->serial, &row) == LG_OK)	/* it may be purged since */
		put_row(b, &row);
	lg_jsonw_object_end(w);
	b->n++;
}

static lg_err
collect_ledger(struct batch *b, struct lg_view *v, uint32_t tenant, const struct lg_hook *h)
{
	struct lg_ledger_entry e;
	uint64_t size;

	LG_TRY(lg_ledger_size(b->cx, v, tenant, &size));
	for (unsigned looked = 0; b->after.next < size && b->n < LG_HOOK_BATCH && looked < 16 * LG_HOOK_BATCH; looked++) {
		LG_TRY(lg_ledger_get(b->cx, v, tenant, b->after.next++, &e));
		if ((h->events & (e.kind == LG_LEDGER_ISSUED ? LG_HOOK_ISSUED : LG_HOOK_REVOKED)) != 0)
			put_entry(b, v, tenant, &e);
	}
	return LG_OK;
}

/* One that lives no longer than the warning is told of would be warned of at its birth. */
static bool
put_expiring(void *arg, const struct lg_cert_row *row)
{
	struct batch *b = arg;
	struct lg_jsonw *w = &b->w;

	b->after.told_to = row->expires;
	if (row->expires - row->not_before <= b->after.before)
		return true;
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "id", lg_print(b->cx->arena, "expiring-%.*s", LG_FMT(lg_serial_text(b->cx->arena, &row->serial))));
	lg_jsonw_str_of(w, "event", LG_STR("expiring"));
	lg_jsonw_time_of(w, "time", b->cx->now);
	lg_jsonw_str_of(w, "serial", lg_serial_text(b->cx->arena, &row->serial));
	put_row(b, row);
	lg_jsonw_object_end(w);
	b->n++;
	return true;
}

/* Each certificate once: what ends up to told_to was told, and what is told now moves it on. */
static lg_err
collect_expiring(struct batch *b, struct lg_view *v, uint32_t tenant, const struct lg_hook *h)
{
	struct lg_cert_query q = { .state = LG_CERT_ISSUED, .expires_from = h->told_to + 1, .expires_to = b->cx->now + h->before,
		.limit = LG_HOOK_BATCH };
	lg_str next;

	if ((h->events & LG_HOOK_EXPIRING) == 0 || b->n >= LG_HOOK_BATCH || q.expires_from >= q.expires_to)
		return LG_OK;
	return lg_cert_search(b->cx, v, tenant, &q, put_expiring, b, &next);
}

/* Each CA once, for as long as its end is near. */
static void
put_ca(void *arg, const struct lg_ca_end *end)
{
	struct batch *b = arg;
	struct lg_jsonw *w = &b->w;
	lg_str digest = lg_sha256_str(&end->sha256), told = b->hook->told_cas;

	if (b->after.told_cas.n == LG_HOOK_CAS * sizeof end->sha256)
		return;
	b->after.told_cas = lg_cat(b->cx->arena, b->after.told_cas, digest);
	for (; told.n >= digest.n; told = lg_str_sub(told, digest.n, told.n))
		if (lg_str_eq(lg_str_sub(told, 0, digest.n), digest))
			return;
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "id", lg_print(b->cx->arena, "expiring-ca-%.*s", LG_FMT(end->kid)));
	lg_jsonw_str_of(w, "event", LG_STR("expiring"));
	lg_jsonw_time_of(w, "time", b->cx->now);
	lg_jsonw_str_of(w, "authority", lg_str_of(end->what));
	lg_jsonw_str_of(w, "trust_domain", end->trust_domain);
	lg_jsonw_str_of(w, "kid", end->kid);
	lg_jsonw_str_of(w, "sha256", lg_hex(b->cx->arena, digest));
	lg_jsonw_time_of(w, "expires", end->ends);
	lg_jsonw_object_end(w);
	b->n++;
}

static void
collect_cas(struct batch *b, struct lg_certs *c, uint32_t tenant, const struct lg_hook *h)
{
	b->hook = h;
	b->after.told_cas = LG_NONE;
	if ((h->events & LG_HOOK_EXPIRING) != 0)
		lg_certs_ending(c, tenant, b->cx->now + h->before, put_ca, b);
}

static lg_err
collect(struct batch *b, struct lg_certs *c, uint32_t tenant, const struct lg_hook *h)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	b->after = *h;
	b->w = lg_jsonw_of(&b->body);
	lg_jsonw_object(&b->w);
	lg_jsonw_name(&b->w, LG_STR("events"));
	lg_jsonw_array(&b->w);
	LG_TRY(lg_view_begin(b->cx, c->ports.store, &v));
	collect_cas(b, c, tenant, h);
	LG_TRY(collect_ledger(b, v, tenant, h));
	LG_TRY(collect_expiring(b, v, tenant, h));
	lg_jsonw_array_end(&b->w);
	lg_jsonw_object_end(&b->w);
	return lg_buf_status(b->cx, &b->body);
}

/* ---- noted ----------------------------------------------------------------------------------------------------------- */

struct outcome {
	uint32_t tenant;
	const struct lg_hook *before, *after;
	unsigned events;
	int status;
};

/* Whoever changed the webhook meanwhile keeps the change; one that is gone stays gone. */
static lg_err
note(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct outcome *o = arg;
	struct lg_hook h;

	LG_TRY(lg_hook_get(cx, v, o->tenant, o->before->name, &h));
	h.next = o->after->next;
	h.told_to = o->after->told_to;
	h.told_cas = o->after->told_cas;
	h.attempts = o->after->attempts;
	h.due = o->after->due;
	h.delivered = o->after->delivered;
	h.error = o->after->error;
	if (o->events > 0)
		lg_audit(v, h.name, lg_print(cx->arena, "{\"events\":%u,\"status\":%d,\"attempts\":%u}", o->events, o->status, h.attempts));
	return lg_hook_put(cx, v, o->tenant, &h);
}

static void
failed(struct lg_ctx *cx, const struct lg_hook *h, lg_err e, struct lg_hook *after)
{
	size_t i = h->attempts < LG_COUNT(pauses) ? h->attempts : LG_COUNT(pauses) - 1;

	*after = *h;
	after->attempts = h->attempts + 1;
	after->due = cx->now + pauses[i];
	after->error = lg_dup(cx->arena, cx->error[0] != '\0' ? lg_str_of(cx->error) : lg_str_of(lg_err_name(e)));
}

enum told { NOTHING_LEFT, MORE, NO_ANSWER };

/* One batch. */
static lg_err
deliver(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str name, enum told *told)
{
	struct batch b = { .cx = cx, .body = LG_BUF(BODY_MAX) };
	struct lg_hook h;
	struct outcome o = { .tenant = tenant, .before = &h, .after = &b.after };

	*told = NOTHING_LEFT;
	LG_TRY(read_hook(cx, c, tenant, name, &h));
	if (h.due > cx->now)
		return LG_OK;
	lg_err e = collect(&b, c, tenant, &h);
	lg_str text = lg_dup(cx->arena, lg_buf_view(&b.body));
	lg_buf_free(&b.body);
	lg_store_turn(c->ports.store);
	LG_TRY(e);
	if (b.n == 0 && b.after.next == h.next)
		return LG_OK;
	if (b.n > 0)
		e = lg_hook_post(cx, c, tenant, &h, text, &o.status);
	*told = e != LG_OK ? NO_ANSWER : MORE;
	if (e != LG_OK) {
		failed(cx, &h, e, &b.after);
	} else if (b.n > 0) {
		b.after.attempts = 0;
		b.after.delivered = cx->now;
		b.after.error = LG_NONE;
	}
	o.events = b.n;
	return lg_store_apply(cx, c->ports.store, tenant, "webhook.deliver", note, &o, NULL);
}

lg_err
lg_certs_hooks(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant)
{
	lg_str name[LG_HOOKS];
	size_t n;

	LG_TRY(names(cx, c, tenant, name, &n));
	for (size_t i = 0; i < n; i++) {
		enum told told = MORE;
		for (unsigned batch = 0; batch < BATCHES && told == MORE; batch++) {
			lg_err e = deliver(cx, c, tenant, name[i], &told);
			if (e == LG_E_NOT_FOUND)	/* it went meanwhile */
				break;
			LG_TRY(e);
		}
		if (told == NO_ANSWER)
			break;
	}
	return LG_OK;
}
