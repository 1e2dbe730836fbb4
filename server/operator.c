/* operator.c: one request of the local operator, in a child of the parent: heard, carried out, answered. */
#include "server/operator.h"

#include <unistd.h>

#include "base/json.h"
#include "base/text.h"

/* ---- the keeper ------------------------------------------------------------------------------------------- */

lg_err
lg_operator_tenants(struct lg_operator *op, lg_str name, struct lg_keeper_tenant **all, size_t *n,
    const struct lg_keeper_tenant **found)
{
	lg_str reply;

	LG_TRY(lg_keeper_await(&op->told, lg_keeper_tenants(op->keeper, lg_keeper_told, &op->told), &reply));
	LG_TRY(lg_keeper_tenants_parse(&op->cx, reply, all, n));
	*found = NULL;
	for (size_t i = 0; i < *n; i++)
		if (lg_str_eq((*all)[i].name, name))
			*found = &(*all)[i];
	return LG_OK;
}

/* ---- the server ------------------------------------------------------------------------------------------- */

lg_err
lg_operator_server(struct lg_operator *op, const struct lg_operator_words *w, lg_str *reply)
{
	struct lg_operator_words all = { .n = w->n + 1 };

	if (op->server < 0)
		return lg_fail(&op->cx, LG_E_UNAVAILABLE, "the server is not running; stop the service and use \"lightgate tool recover\"");
	if (all.n > LG_OPERATOR_WORDS)
		return lg_fail(&op->cx, LG_E_LIMIT, "too many words");
	all.word[0] = lg_print(op->cx.arena, "uid=%lld pid=%d", (long long)op->uid, (int)op->pid);
	memcpy(all.word + 1, w->word, w->n * sizeof w->word[0]);
	LG_TRY(lg_operator_ask(&op->cx, op->server, &all));
	return lg_operator_answer(&op->cx, op->server, reply);
}

lg_err
lg_operator_changed(struct lg_operator *op, uint32_t tenant, const char *operation, lg_str detail)
{
	struct lg_operator_words w = { { LG_STR("keeper-changed"), lg_print(op->cx.arena, "%u", tenant), lg_str_of(operation), detail }, 4 };
	lg_str reply;

	return lg_operator_server(op, &w, &reply);
}

static lg_err
relay(struct lg_operator *op)
{
	lg_str reply;

	LG_TRY(lg_operator_server(op, &op->words, &reply));
	lg_buf_str(&op->out, reply);
	return LG_OK;
}

/* ---- tenant-create NAME SUFFIX TRUST-DOMAIN [DNS-SUFFIX...] ------------------------------------------------- */

/* What does not fit the store must not leave keys behind. */
static lg_err
check_tenant(struct lg_operator *op, lg_str name, lg_str suffix, lg_str domain)
{
	struct lg_operator_words w = { { LG_STR("tenant-check"), name, suffix, domain }, 4 };
	lg_str reply;

	return lg_operator_server(op, &w, &reply);
}

static lg_err
fill_ceiling(struct lg_operator *op, lg_str name, lg_str domain, struct lg_ceiling *c)
{
	const struct lg_settings *s = op->settings;

	*c = (struct lg_ceiling){ .issuer = lg_print(op->cx.arena, "%.*s/t/%.*s", LG_FMT(op->issuer), LG_FMT(name)),
		.trust_domain = domain, .loopback = s->dev, .token_life = s->token_life, .ticket_life = s->ticket_life,
		.leaf_life = s->leaf_life };
	for (size_t i = 4; i < op->words.n; i++) {
		if (c->ndns == LG_COUNT(c->dns_suffixes))
			return lg_fail(&op->cx, LG_E_LIMIT, "a tenant has at most %zu DNS suffixes", LG_COUNT(c->dns_suffixes));
		c->dns_suffixes[c->ndns++] = op->words.word[i];
	}
	return LG_OK;
}

/* Keys without an entry in the store are those of a creation that was broken off: they are taken up. */
static lg_err
make_keys(struct lg_operator *op, lg_str name, const struct lg_ceiling *c, uint32_t *id)
{
	const struct lg_keeper_tenant *was;
	struct lg_keeper_tenant *all;
	uint32_t last = 0;
	size_t n;
	lg_str reply;

	LG_TRY(lg_operator_tenants(op, name, &all, &n, &was));
	for (size_t i = 0; i < n; i++) {
		if (&all[i] != was && lg_str_eq(all[i].ceiling.trust_domain, c->trust_domain))
			return lg_fail(&op->cx, LG_E_EXISTS, "trust domain %.*s belongs to tenant %.*s", LG_FMT(c->trust_domain),
			    LG_FMT(all[i].name));
		last = all[i].id > last ? all[i].id : last;
	}
	*id = was != NULL ? was->id : last + 1;
	if (was != NULL)
		return lg_keeper_await(&op->told, lg_keeper_set_ceiling(op->keeper, *id, c, lg_keeper_told, &op->told), &reply);
	return lg_keeper_await(&op->told, lg_keeper_create_tenant(op->keeper, *id, name, c, lg_keeper_told, &op->told), &reply);
}

static lg_err
create_tenant(struct lg_operator *op)
{
	lg_str name = op->words.word[1], suffix = op->words.word[2], domain = op->words.word[3], reply;
	struct lg_ceiling c;
	uint32_t id = 0;

	if (domain.n == 0)
		domain = lg_print(op->cx.arena, "%.*s.%.*s", LG_FMT(name), LG_FMT(op->settings->trust_domain));
	LG_TRY(check_tenant(op, name, suffix, domain));
	LG_TRY(fill_ceiling(op, name, domain, &c));
	LG_TRY(make_keys(op, name, &c, &id));
	struct lg_operator_words w = { { LG_STR("tenant-create"), lg_print(op->cx.arena, "%u", id), name, suffix }, 4 };
	LG_TRY(lg_operator_server(op, &w, &reply));
	lg_buf_str(&op->out, reply);
	return LG_OK;
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	size_t least, most;		/* words, this one included */
	bool keeper;			/* asks the keeper */
	lg_operator_verb *run;
} verbs[] = {
	{ "tenant-create", 4, 12, true, create_tenant },
	{ "tenant-list", 1, 1, false, relay },
	{ "keeper-list", 1, 1, true, lg_operator_keys },
	{ "keeper-ceiling", 3, 7, true, lg_operator_ceiling },
	{ "keeper-rotate", 4, 4, true, lg_operator_rotate },
	{ "ca-new", 5, 5, true, lg_operator_ca_new },
	{ "ca-ocsp", 3, 3, true, lg_operator_ca_ocsp },
	{ "ca-import", 3, 4, true, lg_operator_ca_import },
	{ "ca-move", 4, 4, true, lg_operator_ca_move },
	{ "keeper-reconcile", 1, 1, true, lg_operator_reconcile },
	{ "recover-password", 3, 3, false, relay },
	{ "recover-rollback", 3, 3, false, relay },
	{ "recover-unlock", 3, 3, false, relay },
};

static lg_err
carry_out(struct lg_operator *op)
{
	size_t i = 0;

	LG_TRY(lg_operator_hear(&op->cx, op->client, &op->words));
	while (i < LG_COUNT(verbs) && !lg_str_eq(op->words.word[0], lg_str_of(verbs[i].word)))
		i++;
	if (i == LG_COUNT(verbs) || op->words.n < verbs[i].least || op->words.n > verbs[i].most)
		return lg_fail(&op->cx, LG_E_INVALID, "no such request");
	if (verbs[i].keeper && op->keeper == NULL)
		return lg_fail(&op->cx, LG_E_UNAVAILABLE, "the keeper is away");
	LG_TRY(verbs[i].run(op));
	return lg_buf_status(&op->cx, &op->out);
}

void
lg_operator_talk(struct lg_operator *op)
{
	op->out = LG_BUF(LG_OPERATOR_REPLY);
	lg_operator_patience(op->client, LG_OPERATOR_PATIENCE);
	if (op->server >= 0)
		lg_operator_patience(op->server, LG_OPERATOR_WORK);
	lg_err e = carry_out(op);
	lg_operator_reply(&op->cx, op->client, e, lg_buf_view(&op->out));
	lg_buf_wipe(&op->out);
}
