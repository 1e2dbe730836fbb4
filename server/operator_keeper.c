/* operator_keeper.c: what the keeper holds and may sign, as the operator sees and sets it. */
#include "base/ipnet.h"
#include "base/json.h"
#include "base/text.h"
#include "server/operator.h"

/* By `keeper rotate`; the others follow by themselves, or never. */
static const enum lg_purpose rotate[] = {
	LG_PURPOSE_ISSUER, LG_PURPOSE_TOKEN, LG_PURPOSE_TICKET, LG_PURPOSE_BUNDLE, LG_PURPOSE_SSH_USER, LG_PURPOSE_SSH_HOST,
	LG_PURPOSE_AUDIT,
};

/* ---- keeper-list -------------------------------------------------------------------------------------------- */

static void
write_tenant(struct lg_arena *a, struct lg_jsonw *w, const struct lg_keeper_tenant *t)
{
	static const char *const ocsp[] = { [LG_OCSP_AUTO] = "auto", [LG_OCSP_DIRECT] = "direct", [LG_OCSP_DELEGATED] = "delegated" };
	const struct lg_ceiling *c = &t->ceiling;

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "tenant", t->name);
	lg_jsonw_int_of(w, "id", t->id);
	lg_jsonw_str_of(w, "issuer", c->issuer);
	lg_jsonw_str_of(w, "trust_domain", c->trust_domain);
	lg_jsonw_name(w, LG_STR("dns_suffixes"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < c->ndns; i++)
		lg_jsonw_str(w, c->dns_suffixes[i]);
	lg_jsonw_array_end(w);
	lg_jsonw_name(w, LG_STR("addresses"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < c->nnets; i++)
		lg_jsonw_str(w, lg_ipnet_text(a, c->nets[i]));
	lg_jsonw_array_end(w);
	lg_jsonw_bool_of(w, "loopback", c->loopback);
	lg_jsonw_str_of(w, "ocsp", lg_str_of(ocsp[t->ocsp]));
	lg_jsonw_int_of(w, "token_life", c->token_life / LG_SECOND);
	lg_jsonw_int_of(w, "ticket_life", c->ticket_life / LG_SECOND);
	lg_jsonw_int_of(w, "leaf_life", c->leaf_life / LG_SECOND);
	lg_jsonw_object_end(w);
}

static void
write_key(struct lg_jsonw *w, const struct lg_keeper_key *k, const struct lg_keeper_tenant *t, size_t n)
{
	static const char *const states[] = { [LG_KEY_NEXT] = "next", [LG_KEY_ACTIVE] = "active", [LG_KEY_RETIRED] = "retired",
		[LG_KEY_DISTRUSTED] = "distrusted" };
	lg_str tenant = LG_STR("-");	/* the service's own */

	for (size_t i = 0; i < n; i++)
		if (t[i].id == k->tenant)
			tenant = t[i].name;
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "tenant", tenant);
	lg_jsonw_str_of(w, "purpose", lg_purpose_name(k->purpose));
	lg_jsonw_str_of(w, "state", lg_str_of(states[k->state]));
	lg_jsonw_str_of(w, "alg", lg_alg_name(k->alg));
	lg_jsonw_str_of(w, "kid", k->kid);
	lg_jsonw_time_of(w, "created", k->created);
	lg_jsonw_time_of(w, "since", k->since);
	lg_jsonw_str_of(w, "place", k->place);
	lg_jsonw_object_end(w);
}

lg_err
lg_operator_keys(struct lg_operator *op)
{
	struct lg_jsonw w = lg_jsonw_of(&op->out);
	const struct lg_keeper_tenant *none;
	struct lg_keeper_tenant *t;
	struct lg_keeper_key *k;
	size_t nt, nk;
	lg_str reply;

	LG_TRY(lg_operator_tenants(op, LG_NONE, &t, &nt, &none));
	LG_TRY(lg_keeper_await(&op->told, lg_keeper_keys(op->keeper, lg_keeper_told, &op->told), &reply));
	LG_TRY(lg_keeper_keys_parse(&op->cx, reply, &k, &nk));
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("ceilings"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < nt; i++)
		write_tenant(op->cx.arena, &w, &t[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_name(&w, LG_STR("keys"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < nk; i++)
		if (k[i].state >= LG_KEY_NEXT && k[i].state <= LG_KEY_DISTRUSTED)
			write_key(&w, &k[i], t, nt);
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

static lg_err
tenant_named(struct lg_operator *op, lg_str name, struct lg_keeper_tenant *ret)
{
	const struct lg_keeper_tenant *found;
	struct lg_keeper_tenant *all;
	size_t n;

	LG_TRY(lg_operator_tenants(op, name, &all, &n, &found));
	if (found == NULL)
		return lg_fail(&op->cx, LG_E_NOT_FOUND, "the keeper knows no tenant %.*s", LG_FMT(name));
	*ret = *found;
	return LG_OK;
}

/* ---- keeper-ceiling TENANT NAME=VALUE... --------------------------------------------------------------------- */

/* The whole list, comma between them; empty: none. */
static lg_err
set_dns(struct lg_operator *op, lg_str list, struct lg_ceiling *c)
{
	lg_str one;

	c->ndns = 0;
	while (list.n > 0) {
		lg_str_cut(list, ',', &one, &list);
		if (c->ndns == LG_COUNT(c->dns_suffixes))
			return lg_fail(&op->cx, LG_E_LIMIT, "a tenant has at most %zu DNS suffixes", LG_COUNT(c->dns_suffixes));
		c->dns_suffixes[c->ndns++] = one;
	}
	return LG_OK;
}

static lg_err
set_nets(struct lg_operator *op, lg_str list, struct lg_ceiling *c)
{
	lg_str one;

	c->nnets = 0;
	while (list.n > 0) {
		lg_str_cut(list, ',', &one, &list);
		if (c->nnets == LG_COUNT(c->nets))
			return lg_fail(&op->cx, LG_E_LIMIT, "a tenant has at most %zu ranges of addresses", LG_COUNT(c->nets));
		if (!lg_ipnet_parse(op->cx.arena, one, &c->nets[c->nnets++]))
			return lg_fail(&op->cx, LG_E_INVALID, "\"%.*s\" is no range such as 10.0.0.0/8", LG_FMT(one));
	}
	return LG_OK;
}

static lg_err
set_one(struct lg_operator *op, lg_str word, struct lg_ceiling *c)
{
	static const struct {
		const char *name;
		size_t life;
	} lives[] = {
		{ "token_life", offsetof(struct lg_ceiling, token_life) }, { "ticket_life", offsetof(struct lg_ceiling, ticket_life) },
		{ "leaf_life", offsetof(struct lg_ceiling, leaf_life) },
	};
	lg_str name, value;
	int64_t seconds;

	lg_str_cut(word, '=', &name, &value);
	if (lg_str_eq(name, LG_STR("dns_suffixes")))
		return set_dns(op, value, c);
	if (lg_str_eq(name, LG_STR("addresses")))
		return set_nets(op, value, c);
	for (size_t i = 0; i < LG_COUNT(lives); i++) {
		if (!lg_str_eq(name, lg_str_of(lives[i].name)))
			continue;
		if (!lg_int_parse(value, &seconds) || seconds < 1 || seconds > INT64_MAX / LG_SECOND)
			return lg_fail(&op->cx, LG_E_INVALID, "%.*s is no life", LG_FMT(word));
		*(int64_t *)(void *)((char *)c + lives[i].life) = seconds * LG_SECOND;
		return LG_OK;
	}
	return lg_fail(&op->cx, LG_E_INVALID, "a ceiling has no \"%.*s\"", LG_FMT(name));
}

lg_err
lg_operator_ceiling(struct lg_operator *op)
{
	struct lg_jsonw w = lg_jsonw_of(&op->out);
	struct lg_keeper_tenant t;
	lg_str reply;

	LG_TRY(tenant_named(op, op->words.word[1], &t));
	for (size_t i = 2; i < op->words.n; i++)
		LG_TRY(set_one(op, op->words.word[i], &t.ceiling));
	LG_TRY(lg_keeper_await(&op->told, lg_keeper_set_ceiling(op->keeper, t.id, &t.ceiling, lg_keeper_told, &op->told), &reply));
	write_tenant(op->cx.arena, &w, &t);
	return lg_operator_changed(op, t.id, "keeper.ceiling", lg_buf_view(&op->out));
}

/* ---- keeper-rotate TENANT PURPOSE now|later -------------------------------------------------------------------- */

static lg_err
purpose_named(struct lg_operator *op, lg_str name, enum lg_purpose *ret)
{
	for (size_t i = 0; i < LG_COUNT(rotate); i++)
		if (rotate[i] == lg_purpose_parse(name)) {
			*ret = rotate[i];
			return LG_OK;
		}
	return lg_fail(&op->cx, LG_E_INVALID, "token, ticket, bundle, issuer, ssh-user, ssh-host or audit can be followed by a new key, not \"%.*s\"", LG_FMT(name));
}

static lg_str
about_key(struct lg_operator *op, lg_str purpose, lg_str kid, const char *state)
{
	return lg_print(op->cx.arena, "{\"purpose\":\"%.*s\",\"kid\":\"%.*s\",\"state\":\"%s\"}", LG_FMT(purpose), LG_FMT(kid), state);
}

/* Keys of heads are the service's own, and no tenant's: "-", as keeper-list writes it. */
static lg_err
owner_of(struct lg_operator *op, enum lg_purpose purpose, lg_str name, uint32_t *ret)
{
	struct lg_keeper_tenant t;

	*ret = 0;
	if (purpose == LG_PURPOSE_AUDIT)
		return lg_str_eq(name, LG_STR("-")) ? LG_OK : lg_fail(&op->cx, LG_E_INVALID, "audit keys are no tenant's: write - in place of %.*s", LG_FMT(name));
	LG_TRY(tenant_named(op, name, &t));
	*ret = t.id;
	return LG_OK;
}

/* The successor is known to verifiers before it signs: the server publishes it, and its maintenance activates it later. */
lg_err
lg_operator_rotate(struct lg_operator *op)
{
	lg_str purpose = op->words.word[2], kid, reply;
	bool now = lg_str_eq(op->words.word[3], LG_STR("now"));
	enum lg_purpose p = 0;
	uint32_t tenant;

	LG_TRY(purpose_named(op, purpose, &p));
	LG_TRY(owner_of(op, p, op->words.word[1], &tenant));
	LG_TRY(lg_keeper_await(&op->told, lg_keeper_successor(op->keeper, tenant, p, LG_ALG_NONE, lg_keeper_told, &op->told), &kid));
	LG_TRY(lg_operator_changed(op, tenant, "keeper.successor", about_key(op, purpose, kid, "next")));
	if (now) {
		if (p == LG_PURPOSE_ISSUER)
			LG_TRY(lg_operator_ca_room(op, kid));
		LG_TRY(lg_keeper_await(&op->told, lg_keeper_activate(op->keeper, tenant, kid, lg_keeper_told, &op->told), &reply));
		LG_TRY(lg_operator_changed(op, tenant, "keeper.activate", about_key(op, purpose, kid, "active")));
	}
	lg_buf_str(&op->out, about_key(op, purpose, kid, now ? "active" : "next"));
	return LG_OK;
}
