/* routes_hooks.c: a tenant's webhooks: added, changed, tried and removed by administrators. */
#include "base/text.h"
#include "certs/hook.h"
#include "certs/profiles.h"
#include "certs/routes.h"

static const struct {
	lg_str name;
	unsigned bit;
} events[] = { { LG_STR("issued"), LG_HOOK_ISSUED }, { LG_STR("revoked"), LG_HOOK_REVOKED }, { LG_STR("expiring"), LG_HOOK_EXPIRING } };

/* ---- reading ------------------------------------------------------------------------------------------------- */

static void
put_hook(struct lg_jsonw *w, const struct lg_hook *h, uint64_t size)
{
	lg_jsonw_str_of(w, "name", h->name);
	lg_jsonw_str_of(w, "url", h->url);
	lg_jsonw_name(w, LG_STR("events"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < LG_COUNT(events); i++)
		if ((h->events & events[i].bit) != 0)
			lg_jsonw_str(w, events[i].name);
	lg_jsonw_array_end(w);
	lg_jsonw_int_of(w, "expiring_seconds", h->before / 1000000);
	lg_jsonw_int_of(w, "waiting", (int64_t)(size - h->next));
	lg_jsonw_int_of(w, "attempts", h->attempts);
	if (h->delivered != 0)
		lg_jsonw_time_of(w, "delivered", h->delivered);
	if (h->error.n > 0) {
		lg_jsonw_str_of(w, "error", h->error);
		lg_jsonw_time_of(w, "next_attempt", h->due);
	}
}

lg_err
lg_route_hooks(void *self, struct lg_http *ex)
{
	struct lg_hook *h = LG_NEWS(ex->cx->arena, struct lg_hook, LG_HOOKS);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_jsonw w;
	uint64_t size;
	size_t n;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:read"));
	LG_TRY(lg_hook_all(ex->cx, v, ex->tenant, h, &n));
	LG_TRY(lg_ledger_size(ex->cx, v, ex->tenant, &size));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++) {
		lg_jsonw_object(&w);
		put_hook(&w, &h[i], size);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	return lg_routes_end(ex, &w);
}

/* ---- changing ------------------------------------------------------------------------------------------------- */

struct change {
	struct lg_certs *c;
	struct lg_http *ex;
	struct lg_certs_caller caller;
	struct lg_hook hook;		/* as it is to be */
	const struct lg_secret *secret;	/* of one that is made */
	bool created;
};

static unsigned
read_events(struct lg_json *js)
{
	unsigned bits = 0;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str word = lg_json_str(js);
		size_t i = 0;
		while (i < LG_COUNT(events) && !lg_str_eq(word, events[i].name))
			i++;
		if (i == LG_COUNT(events))
			lg_json_fault(js, "events are issued, revoked and expiring");
		else
			bits |= events[i].bit;
	}
	return bits;
}

static lg_err
check(struct lg_ctx *cx, const struct lg_hook *h)
{
	if (!lg_str_starts(h->url, LG_STR("https://")) || h->url.n > LG_WEB_URL)
		return lg_fail(cx, LG_E_INVALID, "\"url\" is an https URL of at most %d octets", LG_WEB_URL);
	if (h->ca.n > LG_HOOK_CA)
		return lg_fail(cx, LG_E_INVALID, "\"ca\" has at most %u octets", LG_HOOK_CA);
	if (h->events == 0)
		return lg_fail(cx, LG_E_INVALID, "\"events\" are some of issued, revoked and expiring");
	if (((h->events & LG_HOOK_EXPIRING) != 0) != (h->before > 0))
		return lg_fail(cx, LG_E_INVALID, "\"expiring_seconds\" goes with the event \"expiring\"");
	return LG_OK;
}

lg_err
lg_hook_read(struct lg_http *ex, struct lg_hook *ret)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("url")))
			ret->url = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("ca")))
			ret->ca = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("events")))
			ret->events = read_events(&js);
		else if (lg_str_eq(name, LG_STR("expiring_seconds")))
			ret->before = lg_json_int(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (ret->before < 0 || ret->before > LG_HOOK_BEFORE)
		return lg_fail(ex->cx, LG_E_INVALID, "\"expiring_seconds\" is at most 400 days");
	ret->before *= 1000000;
	return check(ex->cx, ret);
}

/* It begins with what happens from now on, and with what ends from now on. */
static lg_err
begin(struct lg_ctx *cx, struct lg_view *v, struct change *ch, struct lg_hook *h)
{
	const struct lg_signer *signer = &ch->c->ports.signer;
	lg_str plain = { (const char *)ch->secret->p, ch->secret->n }, sealed;
	struct lg_hook *all = LG_NEWS(cx->arena, struct lg_hook, LG_HOOKS);
	const struct lg_secret *key;
	size_t n;

	LG_TRY(lg_hook_all(cx, v, ch->ex->tenant, all, &n));
	if (n == LG_HOOKS)
		return lg_fail(cx, LG_E_LIMIT, "a tenant has at most %d webhooks", LG_HOOKS);
	LG_TRY(signer->data_key(signer->self, cx, ch->ex->tenant, &key));
	LG_TRY(lg_seal(cx, key, lg_cat(cx->arena, LG_STR("certs.hook"), h->name), plain, &sealed));
	LG_TRY(lg_blob_put(cx, v, ch->ex->tenant, sealed, &h->secret));
	h->told_to = lg_view_time(v);
	return lg_ledger_size(cx, v, ch->ex->tenant, &h->next);
}

static lg_err
run_put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *ch = arg;
	struct lg_hook h = ch->hook, before;

	LG_TRY(lg_routes_may(cx, ch->c, v, ch->ex->tenant, &ch->caller, "admin:write"));
	lg_err e = lg_hook_get(cx, v, ch->ex->tenant, h.name, &before);
	ch->created = e == LG_E_NOT_FOUND;
	if (ch->created) {
		LG_TRY(begin(cx, v, ch, &h));
	} else {
		LG_TRY(e);
		h.secret = before.secret;
		h.next = before.next;
		h.told_to = before.told_to;
		h.told_cas = before.told_cas;
	}
	lg_audit(v, h.name, h.url);
	return lg_hook_put(cx, v, ch->ex->tenant, &h);
}

lg_err
lg_route_hook_put(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_secret_free) struct lg_secret raw = lg_secret_random(LG_HOOK_SECRET);
	lg_str text = lg_base64url(ex->cx->arena, (lg_str){ (const char *)raw.p, raw.n });
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(text);
	struct change ch = { .c = self, .ex = ex, .hook.name = ex->tail, .secret = &secret };
	struct lg_jsonw w;

	LG_TRY(lg_routes_who(self, ex, &ch.caller));
	LG_TRY(lg_hook_read(ex, &ch.hook));
	LG_TRY(lg_store_apply(ex->cx, ch.c->ports.store, ex->tenant, "webhook.set", run_put, &ch, NULL));
	ex->status = ch.created ? 201 : 204;
	if (!ch.created)
		return LG_OK;
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	w = lg_routes_begin(ex);
	lg_jsonw_str_of(&w, "name", ex->tail);
	lg_jsonw_str_of(&w, "secret", text);
	return lg_routes_end(ex, &w);
}

static lg_err
run_delete(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *ch = arg;
	struct lg_hook h;

	LG_TRY(lg_routes_may(cx, ch->c, v, ch->ex->tenant, &ch->caller, "admin:write"));
	LG_TRY(lg_hook_get(cx, v, ch->ex->tenant, ch->hook.name, &h));
	lg_audit(v, h.name, LG_NONE);
	return lg_hook_del(cx, v, ch->ex->tenant, &h);
}

lg_err
lg_route_hook_delete(void *self, struct lg_http *ex)
{
	struct change ch = { .c = self, .ex = ex, .hook.name = ex->tail };

	LG_TRY(lg_routes_who(self, ex, &ch.caller));
	LG_TRY(lg_store_apply(ex->cx, ch.c->ports.store, ex->tenant, "webhook.delete", run_delete, &ch, NULL));
	ex->status = 204;
	return LG_OK;
}

/* ---- trying ------------------------------------------------------------------------------------------------------ */

lg_err
lg_route_hook_test(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_hook h;
	struct lg_jsonw w;
	lg_str name, verb;
	int status;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:write"));
	if (!lg_str_cut(ex->tail, '/', &name, &verb) || !lg_str_eq(verb, LG_STR("test")))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such resource");
	LG_TRY(lg_hook_get(ex->cx, v, ex->tenant, name, &h));
	lg_view_end(&v);
	lg_err e = lg_hook_post(ex->cx, c, ex->tenant, &h, LG_STR("{\"events\":[{\"id\":\"test\",\"event\":\"test\"}]}"), &status);
	w = lg_routes_begin(ex);
	lg_jsonw_bool_of(&w, "taken", e == LG_OK);
	lg_jsonw_int_of(&w, "status", status);
	if (e != LG_OK)
		lg_jsonw_str_of(&w, "error", lg_str_of(ex->cx->error));
	return lg_routes_end(ex, &w);
}
