/* identity.c: see identity.h. */
#include "agent/identity.h"

#include <stddef.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "client/api.h"

#define IDENTITY_MAX (256u << 10)

static const struct {
	const char *name;
	size_t offset;
} members[] = {
	{ "key", offsetof(struct lg_identity, key) },
	{ "certificate", offsetof(struct lg_identity, certificate) },
	{ "chain", offsetof(struct lg_identity, chain) },
	{ "root", offsetof(struct lg_identity, root) },
	{ "service_root", offsetof(struct lg_identity, service_root) },
	{ "host_id", offsetof(struct lg_identity, host_id) },
	{ "host_name", offsetof(struct lg_identity, host_name) },
	{ "issuer", offsetof(struct lg_identity, issuer) },
	{ "trust_domain", offsetof(struct lg_identity, trust_domain) },
	{ "https", offsetof(struct lg_identity, https) },
	{ "mtls", offsetof(struct lg_identity, mtls) },
	{ "ticket_keys", offsetof(struct lg_identity, ticket_keys) },
};

static lg_str *
member(struct lg_identity *id, size_t i)
{
	return (lg_str *)(void *)((char *)id + members[i].offset);
}

static const char *
path_of(struct lg_ctx *cx, const char *state)
{
	return lg_print(cx->arena, "%s/identity.json", state).p;
}

bool
lg_identity_exists(struct lg_ctx *cx, const char *state)
{
	return access(path_of(cx, state), F_OK) == 0;
}

lg_err
lg_identity_load(struct lg_ctx *cx, const char *state, struct lg_identity *ret)
{
	struct lg_identity id = { .key = LG_NONE };
	struct lg_json js;
	lg_str text, name;

	if (!lg_identity_exists(cx, state))
		return lg_fail(cx, LG_E_NOT_FOUND, "%s holds no identity: lightgate-agent join --token-file FILE --state %s", state, state);
	LG_TRY(lg_file_read(cx, path_of(cx, state), IDENTITY_MAX, &text));
	lg_json_init(&js, cx->arena, text);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;
		while (i < LG_COUNT(members) && !lg_str_eq(name, lg_str_of(members[i].name)))
			i++;
		if (i == LG_COUNT(members))
			lg_json_fault(&js, "unknown member");
		else
			*member(&id, i) = lg_json_str(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	if (id.service_root.n == 0)	/* the tenant's own stands behind the service too */
		id.service_root = id.root;
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (member(&id, i)->n == 0)
			return lg_fail(cx, LG_E_CORRUPT, "%s/identity.json lacks \"%s\"", state, members[i].name);
	*ret = id;
	return LG_OK;
}

/* The certificates once more, for other programs; the agent itself reads identity.json only. */
static lg_err
save_copies(struct lg_ctx *cx, const char *state, const struct lg_identity *id)
{
	const struct {
		const char *name;
		lg_str pem;
	} copies[] = { { "cert.pem", id->certificate }, { "chain.pem", id->chain }, { "root.pem", id->root } };

	for (size_t i = 0; i < LG_COUNT(copies); i++)
		LG_TRY(lg_file_write(cx, lg_print(cx->arena, "%s/%s", state, copies[i].name).p, 0644, copies[i].pem));
	return LG_OK;
}

lg_err
lg_identity_save(struct lg_ctx *cx, const char *state, const struct lg_identity *id)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(IDENTITY_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_identity copy = *id;

	lg_jsonw_object(&w);
	for (size_t i = 0; i < LG_COUNT(members); i++)
		lg_jsonw_str_of(&w, members[i].name, *member(&copy, i));
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_file_write(cx, path_of(cx, state), 0600, lg_buf_view(&b)));
	return save_copies(cx, state, id);
}

static void
take(lg_str value, lg_str *ret)
{
	if (value.n > 0)
		*ret = value;
}

lg_err
lg_identity_take(struct lg_ctx *cx, lg_str answer, struct lg_identity *ret)
{
	lg_str host = lg_api_member(cx, answer, "host"), tenant = lg_api_member(cx, answer, "tenant");

	if (lg_api_member(cx, answer, "certificate").n == 0)
		return lg_fail(cx, LG_E_INVALID, "the service answered without a certificate");
	take(lg_api_member(cx, answer, "certificate"), &ret->certificate);
	take(lg_api_member(cx, answer, "chain"), &ret->chain);
	take(lg_api_member(cx, answer, "root"), &ret->root);
	take(lg_api_member(cx, answer, "service_root"), &ret->service_root);
	take(lg_api_member(cx, host, "id"), &ret->host_id);
	take(lg_api_member(cx, host, "name"), &ret->host_name);
	take(lg_api_member(cx, tenant, "issuer"), &ret->issuer);
	take(lg_api_member(cx, tenant, "trust_domain"), &ret->trust_domain);
	take(lg_api_member(cx, answer, "mtls"), &ret->mtls);
	take(lg_api_member(cx, answer, "ticket_keys"), &ret->ticket_keys);
	return LG_OK;
}
