/* access.c: questions to the decision point, and the verdicts that may be kept. */
#include "directory/access.h"

#include <stdlib.h>

#include "base/map.h"

enum { ROWS = 128, STANDINGS = 1024 };		/* subjects at a time, powers of two */

static const char *const actions[LG_RIGHTS] = {
	[LG_RIGHT_DISCLOSE] = "entry:disclose",
	[LG_RIGHT_SEARCH] = "attribute:search",
	[LG_RIGHT_COMPARE] = "attribute:compare",
	[LG_RIGHT_READ] = "attribute:read",
	[LG_RIGHT_WRITE] = "attribute:write",
	[LG_RIGHT_ADD] = "entry:add",
	[LG_RIGHT_DELETE] = "entry:delete",
	[LG_RIGHT_RENAME] = "entry:rename",
	[LG_RIGHT_ACT_AS] = "entry:act_as",
	[LG_RIGHT_RELAX] = "entry:relax",
};

/* What the verdicts of a row were given for.  Compared as bytes, so it is zeroed first. */
struct memo_key {
	const struct lg_directory *dir;
	lg_uuid subject;		/* nil where subjects of one type are answered alike */
	uint64_t above;			/* then: a bit per entity that it is in */
	uint32_t type, enabled;		/* and these */
	uint64_t policy, membership, entries, address;
	uint32_t subject_tenant, tenant;
};

struct lg_memo_row {
	struct memo_key key;
	struct verdicts {			/* bit 0 stands for the entry itself */
		struct lg_attr_set known, permit;
		struct lg_attr_set asked, tried;	/* while not known: of one entry; of all entries of the class */
	} bits[LG_RIGHTS_KEPT][LG_TYPES][2];		/* by right, class, and whether it is the subject's own entry */
};

/* A subject and where it is, so that it is found out once. */
struct standing {
	lg_uuid subject;
	uint64_t policy, membership, entries;
	uint64_t above;
	uint32_t type, enabled;
	uint32_t tenant;
	bool alike;
};

struct lg_memo {
	struct lg_memo_row row[ROWS];
	struct standing standing[STANDINGS];
};

struct lg_memo *
lg_memo_new(void)
{
	struct lg_memo *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	return m;
}

void
lg_memo_free(struct lg_memo **m)
{
	free(*m);
	*m = NULL;
}

static void
find_standing(const struct lg_access *ac, struct standing *s)
{
	const struct lg_decider *d = ac->dir->ports.decider;
	lg_uuid above[LG_ALIKE];
	struct lg_entry e;
	size_t n = 0;
	bool in;

	s->alike = d->alike != NULL && d->alike(d->self, ac->tenant, above, &n) &&
	    lg_entry_by_uuid(ac->cx, ac->v, s->tenant, s->subject, &e) == LG_OK;
	if (!s->alike)
		return;
	s->type = (uint32_t)e.type;
	s->enabled = e.enabled;
	for (size_t i = 0; i < n && s->alike; i++) {
		s->alike = lg_entry_within(ac->cx, ac->v, &e, above[i], &in) == LG_OK;
		s->above |= s->alike && in ? UINT64_C(1) << i : 0;
	}
}

/* In the key, whoever is answered alike is one. */
static void
put_subject(struct lg_memo *m, const struct lg_access *ac, struct memo_key *key)
{
	const struct lg_actor *actor = ac->cx->actor;
	struct standing *s = &m->standing[lg_hash((lg_str){ (const char *)actor->id.b, sizeof actor->id.b }) % STANDINGS];

	key->subject = actor->id;
	if (actor->kind != LG_ACTOR_ENTRY || actor->tenant != ac->tenant)
		return;
	if (!lg_uuid_eq(s->subject, actor->id) || s->policy != key->policy || s->membership != key->membership || s->entries != key->entries ||
	    s->tenant != ac->tenant) {
		*s = (struct standing){ .subject = actor->id, .policy = key->policy, .membership = key->membership, .entries = key->entries,
			.tenant = ac->tenant };
		find_standing(ac, s);
	}
	if (!s->alike)
		return;
	key->address = 0;
	key->subject = (lg_uuid){ { 0 } };
	key->above = s->above;
	key->type = s->type + 1;
	key->enabled = s->enabled;
}

static struct lg_memo_row *
find_row(struct lg_memo *m, const struct lg_access *ac)
{
	const struct lg_decider *d = ac->dir->ports.decider;
	const struct lg_actor *actor = ac->cx->actor;
	struct memo_key key;
	struct lg_memo_row *row;

	memset(&key, 0, sizeof key);
	key.dir = ac->dir;
	key.policy = d->revision(d->self, ac->tenant);
	key.membership = lg_revision(ac->v, ac->tenant, LG_DOMAIN_MEMBERSHIP);
	key.entries = lg_revision(ac->v, ac->tenant, LG_DOMAIN_ENTRY);
	key.address = lg_hash(actor->address);
	key.subject_tenant = actor->tenant;
	key.tenant = ac->tenant;
	put_subject(m, ac, &key);
	row = &m->row[lg_hash((lg_str){ (const char *)&key, sizeof key }) % ROWS];
	if (memcmp(&row->key, &key, sizeof key) != 0) {
		memset(row->bits, 0, sizeof row->bits);
		row->key = key;
	}
	return row;
}

struct lg_access
lg_access_of(struct lg_directory *dir, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_memo *memo)
{
	struct lg_access ac = { .dir = dir, .cx = cx, .v = v, .tenant = tenant };

	if (memo != NULL)
		ac.row = find_row(memo, &ac);
	return ac;
}

static bool
is_self(const struct lg_actor *actor, const struct lg_entry *e)
{
	return actor->kind == LG_ACTOR_ENTRY && actor->tenant == e->tenant && !lg_uuid_is_nil(e->uuid) && lg_uuid_eq(actor->id, e->uuid);
}

/* What policies call the class: containers and the suffix are "Container". */
static lg_str
class_of(const struct lg_entry *e)
{
	return lg_type_name(e->type == LG_TYPE_TENANT ? LG_TYPE_CONTAINER : e->type);
}

/* NULL if the entry has no name that can be found out. */
static struct lg_question *
question(struct lg_access *ac, enum lg_right right, const struct lg_entry *e, lg_str dn, const struct lg_attr *at)
{
	const struct lg_actor *actor = ac->cx->actor;
	struct lg_question *q = LG_NEW(ac->cx->arena, struct lg_question);
	char owner[LG_UUID_TEXT + 1];

	if (dn.n == 0 && lg_entry_dn(ac->cx, ac->v, e, &dn) != LG_OK)
		return NULL;
	lg_uuid_text(e->uuid, owner);
	q->tenant = ac->tenant;
	if (actor->kind == LG_ACTOR_ENTRY)
		q->principal = (struct lg_entity_id){ actor->type, actor->id, actor->name };
	q->action = actions[right];
	q->resource = (struct lg_entity_id){ .type = LG_STR("Entry"), .name = dn };
	q->facts[q->nfacts++] = (struct lg_fact){ .name = "dn", .s = dn };
	q->facts[q->nfacts++] = (struct lg_fact){ .name = "class", .s = class_of(e) };
	if (!lg_uuid_is_nil(e->uuid))
		q->facts[q->nfacts++] = (struct lg_fact){ .name = "owner", .s = lg_dup(ac->cx->arena, lg_str_of(owner)) };
	q->context[q->ncontext++] = (struct lg_fact){ .name = "subject_proof", .s = is_self(actor, e) ? LG_STR("self") : LG_STR("token") };
	if (at != NULL)
		q->context[q->ncontext++] = (struct lg_fact){ .name = "attribute", .s = lg_attr_name(at) };
	return q;
}

/* A policy may look at the entry or the clock and yet not change the answer.  That is found out when the same is asked of a second entry. */
static bool
is_certain(struct lg_access *ac, struct verdicts *vs, unsigned bit, const struct lg_question *q, bool *permit)
{
	const struct lg_decider *d = ac->dir->ports.decider;
	bool certain = false;

	if (!lg_attr_in(&vs->asked, bit)) {
		lg_attr_put(&vs->asked, bit);
		return false;
	}
	if (lg_attr_in(&vs->tried, bit) || d->certain == NULL)
		return false;
	lg_attr_put(&vs->tried, bit);
	return d->certain(d->self, ac->cx, ac->v, q, &certain, permit) == LG_OK && certain;
}

static void
keep(struct lg_access *ac, struct verdicts *vs, unsigned bit, const struct lg_question *q, const struct lg_verdict *verdict)
{
	bool permit = verdict->permit;

	if (!(verdict->stable && verdict->general) && !is_certain(ac, vs, bit, q, &permit))
		return;
	lg_attr_put(&vs->known, bit);
	if (permit)
		lg_attr_put(&vs->permit, bit);
}

static bool
may_ask(struct lg_access *ac, enum lg_right right, const struct lg_entry *e, lg_str dn, const struct lg_attr *at)
{
	const struct lg_decider *d = ac->dir->ports.decider;
	const struct lg_actor *actor = ac->cx->actor;
	struct lg_verdict verdict = { .permit = false };
	struct verdicts *vs = ac->row == NULL || right >= LG_RIGHTS_KEPT ? NULL : &ac->row->bits[right][e->type][is_self(actor, e)];
	unsigned bit = at == NULL ? 0 : at->id;

	if (e->tenant != ac->tenant || (actor->kind == LG_ACTOR_ENTRY && actor->tenant != e->tenant))
		return false;
	if (vs != NULL && lg_attr_in(&vs->known, bit))
		return lg_attr_in(&vs->permit, bit);
	const struct lg_question *q = question(ac, right, e, dn, at);
	if (q == NULL || d->ask(d->self, ac->cx, ac->v, q, &verdict) != LG_OK)
		return false;
	if (vs != NULL)
		keep(ac, vs, bit, q, &verdict);
	return verdict.permit;
}

bool
lg_may(struct lg_access *ac, enum lg_right right, const struct lg_entry *e, lg_str dn, const struct lg_attr *at)
{
	/* Verifiers leave by no read, whatever a policy says. */
	if (at != NULL && (at->flags & LG_AF_SECRET) != 0 && right < LG_RIGHTS_KEPT)
		return false;
	return ac->service ? e->tenant == ac->tenant : may_ask(ac, right, e, dn, at);
}

bool
lg_may_monitor(struct lg_access *ac)
{
	const struct lg_decider *d = ac->dir->ports.decider;
	const struct lg_actor *actor = ac->cx->actor;
	struct lg_question *q = LG_NEW(ac->cx->arena, struct lg_question);
	struct lg_verdict verdict = { .permit = false };
	struct lg_tenant t;

	if (actor->kind != LG_ACTOR_ENTRY || actor->tenant != ac->tenant || lg_tenant_get(ac->cx, ac->v, ac->tenant, &t) != LG_OK)
		return false;
	q->tenant = ac->tenant;
	q->principal = (struct lg_entity_id){ actor->type, actor->id, actor->name };
	q->action = "admin:read";
	q->resource = (struct lg_entity_id){ lg_type_name(LG_TYPE_TENANT), t.uuid, t.name };
	q->context[q->ncontext++] = (struct lg_fact){ .name = "subject_proof", .s = LG_STR("token") };
	return d->ask(d->self, ac->cx, ac->v, q, &verdict) == LG_OK && verdict.permit;
}
