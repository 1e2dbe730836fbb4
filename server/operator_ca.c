/* operator_ca.c: a tenant's issuing CAs, as the operator moves them: requested, imported, in force, back, distrusted. */
#include "base/json.h"
#include "base/text.h"
#include "lightgate/certs.h"
#include "server/operator.h"
#include "server/rotation.h"

static lg_err
tenant_found(struct lg_operator *op, const struct lg_keeper_tenant **ret)
{
	struct lg_keeper_tenant *all;
	size_t n;

	LG_TRY(lg_operator_tenants(op, op->words.word[1], &all, &n, ret));
	return *ret != NULL ? LG_OK : lg_fail(&op->cx, LG_E_NOT_FOUND, "the keeper knows no tenant %.*s", LG_FMT(op->words.word[1]));
}

static lg_err
tenant_of(struct lg_operator *op, uint32_t *ret)
{
	const struct lg_keeper_tenant *found;

	LG_TRY(tenant_found(op, &found));
	*ret = found->id;
	return LG_OK;
}

static lg_err
keys_of(struct lg_operator *op, struct lg_keeper_key **ret, size_t *n)
{
	lg_str reply;

	LG_TRY(lg_keeper_await(&op->told, lg_keeper_keys(op->keeper, lg_keeper_told, &op->told), &reply));
	return lg_keeper_keys_parse(&op->cx, reply, ret, n);
}

/* One more than the server believes at a time, and whoever holds a certificate of the oldest is shut out without a word. */
lg_err
lg_operator_ca_room(struct lg_operator *op, lg_str kid)
{
	const struct lg_keeper_tenant *t;
	struct lg_keeper_key *k;
	size_t n, others = 0;

	LG_TRY(tenant_found(op, &t));
	LG_TRY(keys_of(op, &k, &n));
	for (size_t i = 0; i < n; i++)
		others += k[i].tenant == t->id && k[i].purpose == LG_PURPOSE_ISSUER && !lg_str_eq(k[i].kid, kid) &&
		    (k[i].state == LG_KEY_ACTIVE || k[i].state == LG_KEY_RETIRED) && lg_rotation_believed(&k[i], &t->ceiling, op->cx.now);
	if (others >= LG_ISSUERS)
		return lg_fail(&op->cx, LG_E_CONFLICT, "%zu issuing CAs are still believed, for what they signed; distrust one of them first", others);
	return LG_OK;
}

/* On record, and in force in the server. */
static lg_err
changed(struct lg_operator *op, uint32_t tenant, const char *what, lg_str purpose, lg_str kid)
{
	struct lg_jsonw w = lg_jsonw_of(&op->out);
	size_t from = op->out.n;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "purpose", purpose);
	lg_jsonw_str_of(&w, "kid", kid);
	lg_jsonw_object_end(&w);
	return lg_operator_changed(op, tenant, what, lg_str_sub(lg_buf_view(&op->out), from, op->out.n));
}

/* ---- ca-new TENANT request|constrained|issuer|root KEY-TYPE URI -------------------------------------------------- */

static const struct {
	const char *word;
	enum lg_ca_new kind;
} news[] = {
	{ "request", LG_CA_REQUEST }, { "constrained", LG_CA_CONSTRAINED }, { "issuer", LG_CA_ISSUER }, { "root", LG_CA_ROOT },
};

static const struct {
	const char *word;
	enum lg_key_type type;
} types[] = {
	{ "P-256", LG_KEY_P256 }, { "P-384", LG_KEY_P384 }, { "Ed25519", LG_KEY_ED25519 }, { "RSA-2048", LG_KEY_RSA2048 },
	{ "RSA-3072", LG_KEY_RSA3072 }, { "RSA-4096", LG_KEY_RSA4096 },
};

static lg_err
type_before(struct lg_operator *op, uint32_t tenant, enum lg_key_type *ret)
{
	struct lg_keeper_key *k;
	size_t n;

	LG_TRY(keys_of(op, &k, &n));
	for (size_t i = 0; i < n; i++)
		if (k[i].tenant == tenant && k[i].purpose == LG_PURPOSE_ISSUER && k[i].state == LG_KEY_ACTIVE)
			return lg_spki_check(&op->cx, k[i].spki, ret);
	return lg_fail(&op->cx, LG_E_NOT_FOUND, "the tenant has no issuing CA");
}

/* Empty: like that of the CA that signs now. */
static lg_err
type_of(struct lg_operator *op, uint32_t tenant, lg_str word, enum lg_key_type *ret)
{
	if (word.n == 0)
		return type_before(op, tenant, ret);
	for (size_t i = 0; i < LG_COUNT(types); i++)
		if (lg_str_eq(word, lg_str_of(types[i].word))) {
			*ret = types[i].type;
			return LG_OK;
		}
	return lg_fail(&op->cx, LG_E_INVALID, "a CA's key is P-256, P-384, Ed25519, RSA-2048, RSA-3072 or RSA-4096, not \"%.*s\"", LG_FMT(word));
}

static lg_err
answer_csr(struct lg_operator *op, lg_str csr)
{
	struct lg_jsonw w = lg_jsonw_of(&op->out);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "csr", lg_pem(op->cx.arena, LG_STR("CERTIFICATE REQUEST"), csr));
	lg_jsonw_object_end(&w);
	return LG_OK;
}

lg_err
lg_operator_ca_new(struct lg_operator *op)
{
	enum lg_key_type type = LG_KEY_P256;
	lg_str uri = op->words.word[4], reply;
	uint32_t tenant;
	size_t i = 0;

	while (i < LG_COUNT(news) && !lg_str_eq(op->words.word[2], lg_str_of(news[i].word)))
		i++;
	if (i == LG_COUNT(news))
		return lg_fail(&op->cx, LG_E_INVALID, "no such kind of CA");
	LG_TRY(tenant_of(op, &tenant));
	LG_TRY(type_of(op, tenant, op->words.word[3], &type));
	LG_TRY(lg_keeper_await(&op->told, lg_keeper_ca_new(op->keeper, tenant, news[i].kind, type, uri, lg_keeper_told, &op->told), &reply));
	if (news[i].kind == LG_CA_REQUEST)
		return answer_csr(op, reply);
	return news[i].kind == LG_CA_ROOT ? changed(op, tenant, "keeper.root", LG_STR("root"), reply)
	    : changed(op, tenant, "keeper.successor", LG_STR("issuer"), reply);
}

/* ---- ca-ocsp TENANT auto|direct|delegated --------------------------------------------------------------------------- */

lg_err
lg_operator_ca_ocsp(struct lg_operator *op)
{
	static const char *const words[] = { [LG_OCSP_AUTO] = "auto", [LG_OCSP_DIRECT] = "direct", [LG_OCSP_DELEGATED] = "delegated" };
	struct lg_jsonw w = lg_jsonw_of(&op->out);
	uint32_t tenant;
	lg_str reply;
	size_t i = 0;

	while (i < LG_COUNT(words) && !lg_str_eq(op->words.word[2], lg_str_of(words[i])))
		i++;
	if (i == LG_COUNT(words))
		return lg_fail(&op->cx, LG_E_INVALID, "OCSP is answered auto, direct or delegated");
	LG_TRY(tenant_of(op, &tenant));
	LG_TRY(lg_keeper_await(&op->told, lg_keeper_set_ocsp(op->keeper, tenant, (enum lg_ocsp_by)i, lg_keeper_told, &op->told), &reply));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "ocsp", lg_str_of(words[i]));
	lg_jsonw_object_end(&w);
	return lg_operator_changed(op, tenant, "keeper.ocsp", lg_buf_view(&op->out));
}

/* ---- ca-import TENANT CERT [ROOT] -------------------------------------------------------------------------------- */

static lg_err
pem(struct lg_operator *op, lg_str text, lg_str *ret)
{
	if (!lg_pem_parse(op->cx.arena, text, LG_STR("CERTIFICATE"), ret, NULL))
		return lg_fail(&op->cx, LG_E_INVALID, "not a certificate in PEM");
	return LG_OK;
}

lg_err
lg_operator_ca_import(struct lg_operator *op)
{
	lg_str cert, root = LG_NONE, kid;
	uint32_t tenant;

	LG_TRY(tenant_of(op, &tenant));
	LG_TRY(pem(op, op->words.word[2], &cert));
	if (op->words.n > 3)
		LG_TRY(pem(op, op->words.word[3], &root));
	struct lg_operator_words check = { { LG_STR("ca-check"), lg_print(op->cx.arena, "%u", tenant), op->words.word[2],
		op->words.n > 3 ? op->words.word[3] : LG_NONE }, 4 };
	LG_TRY(lg_operator_server(op, &check, &kid));
	LG_TRY(lg_keeper_await(&op->told, lg_keeper_ca_import(op->keeper, tenant, cert, root, lg_keeper_told, &op->told), &kid));
	return changed(op, tenant, "keeper.import", LG_STR("issuer"), kid);
}

/* ---- ca-move TENANT KID activate|cancel|distrust|trust -------------------------------------------------------------- */

static const struct {
	const char *word, *operation;
	enum lg_ca_move move;
} moves[] = {
	{ "activate", "keeper.activate", LG_CA_ACTIVATE }, { "cancel", "keeper.cancel", LG_CA_CANCEL },
	{ "distrust", "keeper.distrust", LG_CA_DISTRUST }, { "trust", "keeper.trust", LG_CA_TRUST },
};

lg_err
lg_operator_ca_move(struct lg_operator *op)
{
	lg_str kid = op->words.word[2], reply;
	uint32_t tenant;

	LG_TRY(tenant_of(op, &tenant));
	for (size_t i = 0; i < LG_COUNT(moves); i++) {
		if (!lg_str_eq(op->words.word[3], lg_str_of(moves[i].word)))
			continue;
		if (moves[i].move == LG_CA_ACTIVATE || moves[i].move == LG_CA_TRUST)
			LG_TRY(lg_operator_ca_room(op, kid));
		LG_TRY(lg_keeper_await(&op->told, lg_keeper_ca_move(op->keeper, tenant, moves[i].move, kid, lg_keeper_told, &op->told), &reply));
		return changed(op, tenant, moves[i].operation, LG_STR("issuer"), kid);
	}
	return lg_fail(&op->cx, LG_E_INVALID, "an issuing CA is activated, cancelled, distrusted or trusted");
}
