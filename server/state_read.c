/* state_read.c: a state document from JSON. */
#include "server/state.h"

#include "base/json.h"

#define ITEM_NAME_TOLD	64		/* octets; an item of a longer name is told by its number */

static const struct lg_state_field user_fields[] = {
	{ "mail", LG_FIELD_STR, "mail", 0, NULL },
	{ "display", LG_FIELD_STR, "displayName", 0, NULL },
	{ "given_name", LG_FIELD_STR, "givenName", 0, NULL },
	{ "surname", LG_FIELD_STR, "sn", 0, NULL },
	{ "description", LG_FIELD_STR, "description", 0, NULL },
	{ "ssh_keys", LG_FIELD_LIST, "sshPublicKey", 0, NULL },
	{ "uid_number", LG_FIELD_INT, "uidNumber", 0, "posixAccount" },
	{ "gid_number", LG_FIELD_INT, "gidNumber", 0, "posixAccount" },
	{ "home", LG_FIELD_STR, "homeDirectory", 0, "posixAccount" },
	{ "shell", LG_FIELD_STR, "loginShell", 0, "posixAccount" },
	{ "enabled", LG_FIELD_BOOL, "lgEnabled", 0, NULL },
	{ "groups", LG_FIELD_GROUPS, NULL, LG_TYPE_GROUP, NULL },
};
static const struct lg_state_field group_fields[] = {
	{ "description", LG_FIELD_STR, "description", 0, NULL },
	{ "gid_number", LG_FIELD_INT, "gidNumber", 0, "posixGroup" },
	{ "groups", LG_FIELD_GROUPS, NULL, LG_TYPE_GROUP, NULL },
	{ "members", LG_FIELD_MEMBERS, NULL, 0, NULL },
};
static const struct lg_state_field service_fields[] = {
	{ "project", LG_FIELD_REF, "lgProject", LG_TYPE_PROJECT, NULL },
	{ "enabled", LG_FIELD_BOOL, "lgEnabled", 0, NULL },
	{ "groups", LG_FIELD_GROUPS, NULL, LG_TYPE_GROUP, NULL },
	{ "dns", LG_FIELD_LIST, "associatedDomain", 0, NULL },
	{ "addresses", LG_FIELD_LIST, "ipHostNumber", 0, NULL },
};
static const struct lg_state_field host_fields[] = {
	{ "enabled", LG_FIELD_BOOL, "lgEnabled", 0, NULL },
	{ "groups", LG_FIELD_GROUPS, NULL, LG_TYPE_GROUP, NULL },
	{ "dns", LG_FIELD_LIST, "associatedDomain", 0, NULL },
	{ "addresses", LG_FIELD_LIST, "ipHostNumber", 0, NULL },
	{ "ranges", LG_FIELD_LIST, "lgAddressRange", 0, NULL },
};
static const struct lg_state_field project_fields[] = { { "description", LG_FIELD_STR, "description", 0, NULL } };
static const struct lg_state_field image_fields[] = {
	{ "projects", LG_FIELD_REFS, "lgProject", LG_TYPE_PROJECT, NULL },
	{ "digest", LG_FIELD_STR, "lgDigest", 0, NULL },
	{ "signed", LG_FIELD_BOOL, "lgSigned", 0, NULL },
};
static const struct lg_state_field network_fields[] = { { "projects", LG_FIELD_REFS, "lgProject", LG_TYPE_PROJECT, NULL } };
static const struct lg_state_field workload_fields[] = {
	{ "project", LG_FIELD_REF, "lgProject", LG_TYPE_PROJECT, NULL },
	{ "image", LG_FIELD_REF, "lgImage", LG_TYPE_IMAGE, NULL },
	{ "host", LG_FIELD_REF, "lgHost", LG_TYPE_HOST, NULL },
	{ "labels", LG_FIELD_LIST, "lgLabel", 0, NULL },
	{ "dns", LG_FIELD_LIST, "associatedDomain", 0, NULL },
	{ "addresses", LG_FIELD_LIST, "ipHostNumber", 0, NULL },
};

/* In the order in which they are made: what is referred to comes first. */
static const struct lg_state_kind kinds[] = {
	{ "projects", LG_TYPE_PROJECT, project_fields, LG_COUNT(project_fields) },
	{ "groups", LG_TYPE_GROUP, group_fields, LG_COUNT(group_fields) },
	{ "users", LG_TYPE_USER, user_fields, LG_COUNT(user_fields) },
	{ "services", LG_TYPE_SERVICE, service_fields, LG_COUNT(service_fields) },
	{ "hosts", LG_TYPE_HOST, host_fields, LG_COUNT(host_fields) },
	{ "images", LG_TYPE_IMAGE, image_fields, LG_COUNT(image_fields) },
	{ "networks", LG_TYPE_NETWORK, network_fields, LG_COUNT(network_fields) },
	{ "workloads", LG_TYPE_WORKLOAD, workload_fields, LG_COUNT(workload_fields) },
	{ "clients", LG_TYPE_CLIENT, NULL, 0 },
};

const struct lg_state_kind *
lg_state_kind_find(lg_str list)
{
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq(list, lg_str_of(kinds[i].list)))
			return &kinds[i];
	return NULL;
}

static const struct lg_state_field *
find_field(const struct lg_state_kind *k, lg_str name)
{
	for (size_t i = 0; i < k->nfields; i++)
		if (lg_str_eq(name, lg_str_of(k->fields[i].name)))
			return &k->fields[i];
	return NULL;
}

static void
read_list(struct lg_json *js, struct lg_state_value *ret)
{
	lg_str *v = LG_NEWS(js->arena, lg_str, LG_STATE_LIST);

	lg_json_array(js);
	while (lg_json_item(js)) {
		if (ret->n == LG_STATE_LIST) {
			lg_json_fault(js, "too many values");
			return;
		}
		v[ret->n++] = lg_json_str(js);
	}
	ret->v = v;
}

static void
read_value(struct lg_json *js, struct lg_state_value *ret)
{
	lg_str *one = LG_NEW(js->arena, lg_str);

	switch (ret->field->kind) {
	case LG_FIELD_STR:
	case LG_FIELD_REF:
		*one = lg_json_str(js);
		break;
	case LG_FIELD_BOOL:
		*one = lg_json_bool(js) ? LG_STR("TRUE") : LG_STR("FALSE");
		break;
	case LG_FIELD_INT:
		*one = lg_print(js->arena, "%lld", (long long)lg_json_int(js));
		break;
	case LG_FIELD_LIST:
	case LG_FIELD_REFS:
	case LG_FIELD_GROUPS:
	case LG_FIELD_MEMBERS:
		read_list(js, ret);
		return;
	}
	ret->v = one;
	ret->n = one->n > 0;
}

/* Of a service: whom it may get tokens for, besides this service itself (RFC 8707). */
static void
read_audiences(struct lg_json *js, struct lg_sts_client *c)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str audience = lg_json_str(js);
		if (c->naudiences == LG_CLIENT_AUDIENCES || audience.n == 0 || audience.n > LG_CLIENT_URI_MAX)
			lg_json_fault(js, "an audience that is empty or too long, or too many of them");
		else
			c->audiences[c->naudiences++] = audience;
	}
}

/* Somebody new gets a password that is made and shown once, or none: they set it themselves, by a link, or sign in elsewhere. */
static void
read_password(struct lg_json *js, struct lg_state_item *ret)
{
	ret->no_password = lg_str_eq(lg_json_str(js), LG_STR("none"));
	if (!ret->no_password)
		lg_json_fault(js, "password: \"none\", or left out");
}

/* Members that are not fields of the kind belong to the OIDC client, where the kind has one. */
static lg_err
read_item(struct lg_ctx *cx, lg_str json, const struct lg_state_kind *kind, bool patch, struct lg_state_item *ret)
{
	struct lg_json js;
	lg_str name;

	ret->kind = kind;
	if (kind->type == LG_TYPE_SERVICE)
		lg_sts_client_defaults(&ret->client, LG_STR("service"));
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		const struct lg_state_field *f = find_field(kind, name);
		if (lg_str_eq(name, LG_STR("name"))) {
			ret->name = lg_json_str(&js);
		} else if (f != NULL) {
			ret->value[ret->nvalues].field = f;
			read_value(&js, &ret->value[ret->nvalues++]);
		} else if (kind->type == LG_TYPE_SERVICE && lg_str_eq(name, LG_STR("audiences"))) {
			read_audiences(&js, &ret->client);
		} else if (kind->type == LG_TYPE_USER && lg_str_eq(name, LG_STR("password"))) {
			read_password(&js, ret);
		} else if (kind->type == LG_TYPE_CLIENT) {
			lg_json_skip(&js);
		} else {
			lg_json_unknown(&js, name);
		}
	}
	LG_TRY(lg_json_end(cx, &js));
	if (ret->name.n == 0)
		return lg_fail(cx, LG_E_INVALID, "an item of %s has no name", kind->list);
	/* A service that is changed keeps its audiences where none are named. */
	ret->has_client = kind->type == LG_TYPE_CLIENT || (kind->type == LG_TYPE_SERVICE && !(patch && ret->client.naudiences == 0));
	if (kind->type == LG_TYPE_CLIENT && patch) {
		ret->patch = json;
		return LG_OK;
	}
	if (kind->type == LG_TYPE_CLIENT)
		return lg_sts_client_read(cx, json, NULL, &ret->client);
	if (kind->type == LG_TYPE_SERVICE) {
		ret->client.id = ret->name;
		ret->client.type = LG_STR("Service");
	}
	return LG_OK;
}

/* A fault of one item: "users/eve: ...", or by its number before its name was read. */
static lg_err
in_item(struct lg_ctx *cx, lg_err e, const struct lg_state_item *item, size_t i)
{
	if (item->name.n > 0 && item->name.n <= ITEM_NAME_TOLD)
		return lg_fail_in(cx, e, lg_print(cx->arena, "%s/%.*s", item->kind->list, LG_FMT(item->name)).p);
	return lg_fail_in(cx, e, lg_print(cx->arena, "%s, item %zu", item->kind->list, i + 1).p);
}

static lg_err
read_kind(struct lg_ctx *cx, lg_str json, const struct lg_state_kind *kind, bool patch, struct lg_state *ret)
{
	size_t first = ret->n;
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str one = lg_json_raw(&js);
		if (js.fault != NULL)
			break;
		if (ret->n == LG_STATE_ITEMS)
			return lg_fail(cx, LG_E_LIMIT, "more than %d items in one document", LG_STATE_ITEMS);
		lg_err e = read_item(cx, one, kind, patch, &ret->item[ret->n]);
		if (e != LG_OK)
			return in_item(cx, e, &ret->item[ret->n], ret->n - first);
		ret->n++;
	}
	return lg_json_end(cx, &js);
}

static size_t
count_items(struct lg_ctx *cx, lg_str list)
{
	struct lg_json js;
	size_t n = 0;

	lg_json_init(&js, cx->arena, list);
	lg_json_array(&js);
	for (; lg_json_item(&js); n++)
		lg_json_skip(&js);
	return n;
}

lg_err
lg_state_read(struct lg_ctx *cx, lg_str json, bool patch, struct lg_state *ret)
{
	lg_str list[LG_COUNT(kinds)] = { { NULL, 0 } };
	struct lg_json js;
	size_t total = 0;
	lg_str name;

	*ret = (struct lg_state){ .n = 0 };
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		const struct lg_state_kind *k = lg_state_kind_find(name);
		if (k != NULL) {
			list[k - kinds] = lg_json_raw(&js);
		} else if (lg_str_eq(name, LG_STR("policies"))) {
			ret->policies = lg_json_str(&js);
			ret->has_policies = true;
		} else if (lg_str_eq(name, LG_STR("sources"))) {
			ret->sources = lg_json_raw(&js);
		} else if (lg_str_eq(name, LG_STR("mail"))) {
			ret->mail = lg_json_raw(&js);
		} else {
			return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not a kind of thing; there are projects, groups, users, services, hosts, "
			    "images, networks, workloads, clients, sources, mail and policies", LG_FMT(name));
		}
	}
	LG_TRY(lg_json_end(cx, &js));
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		total += list[i].n == 0 ? 0 : count_items(cx, list[i]);
	if (total > LG_STATE_ITEMS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d items in one document", LG_STATE_ITEMS);
	ret->item = LG_NEWS(cx->arena, struct lg_state_item, total);
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (list[i].n > 0)
			LG_TRY(read_kind(cx, list[i], &kinds[i], patch, ret));
	return LG_OK;
}
