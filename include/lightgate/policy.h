/*
 * policy.h: Cedar 4.5: parse, validate, evaluate, explain.  Stands on base/ alone.
 *
 * Schemas and policy sets are immutable once made: built whole in an arena of their own, shared by threads, freed when
 * the last reference goes.  A decision allocates from the request's arena only and reads entities through a port, so the
 * same engine serves the daemon (entries in LMDB) and an agent (a slice in memory).
 *
 * The library answers exactly as Cedar specifies.  Cedar knows no "could not be read": a decision that touched an unknown
 * entity is a deny.  What an erring forbid means is left to the decision point, which sees `forbid_erred`.
 */
#ifndef LIGHTGATE_POLICY_H
#define LIGHTGATE_POLICY_H

#include "lightgate/base.h"

/* ---- limits: each with its own clean error -------------------------------------------------- */

#define LG_POLICY_SOURCE_MAX	(32u << 20)	/* bytes of policy or schema text handed to one parse */
#define LG_POLICY_JSON_MAX	(8u << 20)	/* bytes of policies or a schema in JSON */
#define LG_POLICY_COUNT_MAX	65536		/* policies, templates and links of one set */
#define LG_POLICY_DEPTH		128		/* nested expressions, types and JSON values */
#define LG_POLICY_ERRORS_MAX	100		/* kept of one parse or validation; the rest is counted */
#define LG_POLICY_STEPS		100000		/* expression nodes evaluated for one policy */
#define LG_POLICY_SET_MAX	65536		/* elements of one set value, fields of one record value */
#define LG_ENTITY_COUNT_MAX	1000000		/* entities of one in-memory store */
#define LG_ENTITY_ANCESTORS_MAX	4096		/* of one entity */

/* ---- values --------------------------------------------------------------------------------- */

/* An entity's name.  `type` is the full name ("Lightgate::User").  The hash belongs to both; lg_euid_of sets it. */
struct lg_euid {
	lg_str type, id;
	uint64_t hash;
};

struct lg_euid lg_euid_of(lg_str type, lg_str id);		/* keeps the slices */
bool lg_euid_eq(const struct lg_euid *a, const struct lg_euid *b);
struct lg_euid lg_euid_dup(struct lg_arena *a, const struct lg_euid *u);
/* `Lightgate::User::"alice"` */
LG_CHECKED lg_err lg_euid_parse(struct lg_ctx *cx, lg_str text, struct lg_euid *ret);
lg_str lg_euid_text(struct lg_arena *a, const struct lg_euid *u);

/* An attribute's name with its hash; `id` counts the distinct names of one policy set (lg_policies_names). */
struct lg_name {
	lg_str text;
	uint32_t hash;
	uint32_t id;
};

#define LG_NAME_FREE	UINT32_MAX		/* id of a name that belongs to no policy set */

struct lg_name lg_name_of(lg_str text);

/* What a port means by one of its entities: a pointer, a row number; one for each uid.  0 is "not looked up yet". */
typedef uintptr_t lg_entity;

enum lg_kind {
	LG_V_BOOL, LG_V_LONG, LG_V_STRING, LG_V_ENTITY, LG_V_SET, LG_V_RECORD,
	LG_V_IP, LG_V_DECIMAL, LG_V_DATETIME, LG_V_DURATION
};

struct lg_ip {
	uint8_t b[16];				/* IPv4 uses the first four */
	uint8_t prefix;
	bool v6;
};

struct lg_value {
	enum lg_kind kind;
	union {
		bool b;
		int64_t i;			/* long; decimal x 10^4; datetime and duration in ms */
		lg_str s;
		struct {
			const struct lg_euid *uid;
			lg_entity handle;	/* of the port the value came from, or 0 */
		} e;
		const struct lg_set *set;
		const struct lg_record *record;
		const struct lg_ip *ip;
	} u;
};

struct lg_set {					/* sorted, without repeats */
	uint32_t n;
	const struct lg_value *v;
};

struct lg_field {
	struct lg_name name;
	struct lg_value value;
};

struct lg_record {				/* sorted by name */
	uint32_t n;
	const struct lg_field *v;
};

static inline struct lg_value
lg_value_bool(bool b)
{
	return (struct lg_value){ LG_V_BOOL, { .b = b } };
}

static inline struct lg_value
lg_value_long(int64_t i)
{
	return (struct lg_value){ LG_V_LONG, { .i = i } };
}

static inline struct lg_value
lg_value_string(lg_str s)
{
	return (struct lg_value){ LG_V_STRING, { .s = s } };
}

static inline struct lg_value
lg_value_entity(const struct lg_euid *uid)
{
	return (struct lg_value){ LG_V_ENTITY, { .e = { uid, 0 } } };
}

static inline struct lg_value
lg_value_datetime(int64_t ms)
{
	return (struct lg_value){ LG_V_DATETIME, { .i = ms } };
}

/* Both sort `v` in place and keep it.  A set drops repeats; a record refuses them (LG_E_INVALID). */
LG_CHECKED lg_err lg_value_set(struct lg_ctx *cx, struct lg_value *v, size_t n, struct lg_value *ret);
LG_CHECKED lg_err lg_value_record(struct lg_ctx *cx, struct lg_field *v, size_t n, struct lg_value *ret);
/* "10.0.0.0/8", "1.0", "2024-10-15T11:35:00Z", "1h30m": as in policies, without the constructor. */
LG_CHECKED lg_err lg_value_extension(struct lg_ctx *cx, enum lg_kind kind, lg_str text, struct lg_value *ret);
bool lg_value_eq(const struct lg_value *a, const struct lg_value *b);
int lg_value_cmp(const struct lg_value *a, const struct lg_value *b);	/* a total order over all values */
const struct lg_value *lg_record_get(const struct lg_record *r, const struct lg_name *name);	/* NULL if absent */
lg_str lg_value_text(struct lg_arena *a, const struct lg_value *v);	/* as a Cedar expression, long ones cut */

/* ---- the entity port ------------------------------------------------------------------------
 * Filled by the caller; asked only for what a policy really reads.  What it hands out must stay valid until the decision
 * returns.  UNKNOWN means "could not be read or is outside what I hold": it is never turned into absent.
 */

enum lg_found { LG_PRESENT, LG_ABSENT, LG_UNKNOWN };

struct lg_entities {
	void *self;
	/* The entity itself.  *handle comes in as 0 or as it stood beside the uid, and goes out set when present; when
	 * absent it may be set too, for `within`. */
	enum lg_found (*find)(void *self, const struct lg_euid *uid, lg_entity *handle);
	/* Attribute and tag of an entity that was found present. */
	enum lg_found (*attr)(void *self, lg_entity e, const struct lg_name *name, struct lg_value *ret);
	enum lg_found (*tag)(void *self, lg_entity e, lg_str name, struct lg_value *ret);
	/* PRESENT if `above` (handle or 0 beside it) is a proper ancestor of e, ABSENT if certainly not. */
	enum lg_found (*within)(void *self, lg_entity e, const struct lg_euid *above, lg_entity above_handle);
	/* All proper ancestors, any order, each with its hash set. */
	enum lg_found (*ancestors)(void *self, lg_entity e, const struct lg_euid *const **ret, size_t *n);
};

struct lg_request {
	struct lg_euid principal, action, resource;
	const struct lg_record *context;	/* NULL = empty */
};

/* ---- faults of a source, all of them -------------------------------------------------------- */

struct lg_policy_fault {
	lg_str source;		/* its name, as given */
	unsigned line, column;	/* from 1; 0 where there is no text (JSON, whole-schema faults) */
	lg_str policy;		/* id, empty outside a policy */
	lg_str message;
	bool warning;
};

struct lg_policy_faults {	/* zeroed before use; lives in the context's arena */
	struct lg_policy_fault *v;
	size_t n;		/* kept */
	size_t errors, warnings;	/* found */
};

lg_str lg_policy_faults_text(struct lg_arena *a, const struct lg_policy_faults *f);	/* one per line: "file:L:C: error: ..." */

/* ---- schemas -------------------------------------------------------------------------------- */

struct lg_schema;

/* Cedar syntax.  On LG_E_INVALID `faults` holds every error and cx->error the first. */
LG_CHECKED lg_err lg_schema_parse(struct lg_ctx *cx, lg_str name, lg_str text, struct lg_policy_faults *faults, struct lg_schema **ret);
/* The JSON form.  The two translations keep annotations, lose comments and resolve no names. */
LG_CHECKED lg_err lg_schema_parse_json(struct lg_ctx *cx, lg_str name, lg_str json, struct lg_policy_faults *faults, struct lg_schema **ret);
LG_CHECKED lg_err lg_schema_text_json(struct lg_ctx *cx, lg_str text, lg_str *ret);
LG_CHECKED lg_err lg_schema_json_text(struct lg_ctx *cx, lg_str json, lg_str *ret);
struct lg_schema *lg_schema_ref(const struct lg_schema *s);
void lg_schema_unref(struct lg_schema **s);		/* safe on NULL */
/* The actions that apply to a principal and a resource of these types, in order of declaration, in the arena; how many. */
size_t lg_schema_actions(const struct lg_schema *s, lg_str principal_type, lg_str resource_type, struct lg_arena *a,
    const struct lg_euid **ret);

/* Do principal, action and resource fit (appliesTo), and is the context of the action's type?  LG_E_INVALID says why. */
LG_CHECKED lg_err lg_request_validate(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_request *rq);

/* ---- policy sets ---------------------------------------------------------------------------- */

struct lg_policies;

struct lg_policy_source {
	lg_str name;		/* file name for messages; empty: ids are policy0.., else NAME:policy0.. */
	lg_str text;
};

struct lg_policy_link {		/* an instance of a template */
	lg_str template_id, id;
	const struct lg_euid *principal, *resource;	/* NULL where the template has no such slot */
};

struct lg_policy_options {
	const struct lg_schema *schema;		/* NULL = none; the set keeps a reference and takes actions from it */
	bool ids_from_annotation;		/* @id("x") names the policy; must then be unique */
	/* Called for every entity literal (actions too): *ret may be another one.  A failure becomes a fault at that place. */
	lg_err (*resolve)(void *self, struct lg_ctx *cx, const struct lg_euid *uid, struct lg_euid *ret);
	void *self;
	const struct lg_policy_link *links;
	size_t nlinks;
	const lg_str *ids;			/* NULL, or for each source the id of the one policy in it */
};

/* Parses and compiles.  `options` may be NULL.  On LG_E_INVALID `faults` holds every error of every source. */
LG_CHECKED lg_err lg_policies_parse(struct lg_ctx *cx, const struct lg_policy_source *sources, size_t n,
    const struct lg_policy_options *options, struct lg_policy_faults *faults, struct lg_policies **ret);

struct lg_policy_change {
	const lg_str *remove;			/* ids of policies, templates and links that `was` has */
	size_t nremove;
	const struct lg_policy_source *add;	/* an id that is removed may come again: then the policy is replaced */
	size_t nadd;
};

/* A set that is `was` but for these policies; `was` stays as it is and may go first.  It costs what changes and a few
 * octets for each policy that stays: those are shared with the set that was parsed, which lives on for it.  Now and then (when
 * more than a hundred changed) all are copied.  New ones take the numbers of those removed.  `options` may be NULL and is as
 * above for what is added, the schema that of `was`; links may be to its templates.  LG_E_NOT_FOUND for an id that is not
 * there to remove, LG_E_CONFLICT for a template whose links would stay, else as lg_policies_parse. */
LG_CHECKED lg_err lg_policies_change(struct lg_ctx *cx, const struct lg_policies *was, const struct lg_policy_change *change,
    const struct lg_policy_options *options, struct lg_policy_faults *faults, struct lg_policies **ret);
struct lg_policies *lg_policies_ref(const struct lg_policies *set);
void lg_policies_unref(struct lg_policies **set);	/* safe on NULL */

enum lg_policy_effect { LG_PERMIT, LG_FORBID };

struct lg_policy_annotation {
	lg_str name, value;	/* value.p is NULL for one without value */
};

struct lg_policy_info {
	lg_str id;
	enum lg_policy_effect effect;
	bool is_template;			/* never evaluated itself */
	lg_str source;				/* name of its source */
	lg_str text;				/* its own text, comments around it excluded */
	unsigned line, column;
	const struct lg_policy_annotation *annotations;
	size_t nannotations;
};

size_t lg_policies_count(const struct lg_policies *set);	/* templates and links included */
void lg_policies_info(const struct lg_policies *set, size_t i, struct lg_policy_info *ret);
bool lg_policies_find(const struct lg_policies *set, lg_str id, size_t *ret);
/* Attribute names the policies read: lg_name.id is the index.  Lets a port bind names to columns once per set. */
const struct lg_name *lg_policies_names(const struct lg_policies *set, size_t *n);
/* Every entity literal after resolution, in order of appearance, repeats included; false from `each` ends the walk. */
void lg_policies_uids(const struct lg_policies *set,
    bool (*each)(void *self, size_t policy, const struct lg_euid *uid, unsigned line, unsigned column), void *self);

/* The JSON form of policies: {"staticPolicies": {ID: ..}, "templates": {ID: ..}, "templateLinks": [..]}.  It is turned into
 * Cedar text, which is what info, faults and explanations then speak of.  `options` as above, ids and links apart. */
LG_CHECKED lg_err lg_policies_parse_json(struct lg_ctx *cx, lg_str json, const struct lg_policy_options *options,
    struct lg_policy_faults *faults, struct lg_policies **ret);
/* One policy's JSON as Cedar text. */
LG_CHECKED lg_err lg_policy_json_text(struct lg_ctx *cx, lg_str json, lg_str *ret);
void lg_policy_json(const struct lg_policies *set, size_t i, struct lg_buf *out);	/* a link as its template */
void lg_policies_json(const struct lg_policies *set, struct lg_buf *out);
void lg_policy_text(const struct lg_policies *set, size_t i, struct lg_buf *out);	/* laid out afresh, without comments */

/* Policies laid out afresh, every comment kept beside what it stood at.  Formatting twice changes nothing more.  LG_E_INVALID
 * with faults for text that does not parse. */
LG_CHECKED lg_err lg_policy_format(struct lg_ctx *cx, lg_str name, lg_str text, struct lg_policy_faults *faults, lg_str *ret);

struct lg_policy_rename {
	lg_str from, to;
};

/* Both sets in one, compiled with `options` (ids and links apart; may be NULL).  An id of b that a has too: the same policy
 * is taken once; another one is LG_E_EXISTS, or with `rename` gets a new id, told in *renames (context's arena). */
LG_CHECKED lg_err lg_policies_merge(struct lg_ctx *cx, const struct lg_policies *a, const struct lg_policies *b,
    const struct lg_policy_options *options, bool rename, struct lg_policies **ret, const struct lg_policy_rename **renames,
    size_t *nrenames);

enum lg_validation { LG_STRICT, LG_PERMISSIVE };

/* Type-checks every policy in every request environment of the schema.  LG_E_INVALID when there is an error, LG_OK with warnings. */
LG_CHECKED lg_err lg_policies_validate(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema,
    enum lg_validation mode, struct lg_policy_faults *faults);

/* The same for a set that comes from `was`, which is valid in this mode and under this schema: what stands in it word for word,
 * under the same id, is neither judged again nor warned of.  A resolver must have left types as they are written. */
LG_CHECKED lg_err lg_policies_validate_change(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_policies *was,
    const struct lg_schema *schema, enum lg_validation mode, struct lg_policy_faults *faults);

/* Validates, and then bounds how far policies reach: `level` entities from principal, resource and context (Cedar RFC 76).
 * At level 1 they read the request's own entities, at level 2 what those refer to, and so on; literals are never read from. */
LG_CHECKED lg_err lg_policies_validate_level(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema,
    enum lg_validation mode, unsigned level, struct lg_policy_faults *faults);

/* ---- decisions ------------------------------------------------------------------------------ */

struct lg_policy_error {
	uint32_t policy;
	lg_str message;
};

struct lg_answer {			/* arrays in the context's arena, in order of policies */
	bool allow;
	bool unknown;			/* an entity could not be read: deny */
	bool forbid_erred;		/* an erring policy was a forbid */
	struct lg_euid unknown_uid;	/* the first of them */
	const uint32_t *determining;
	size_t ndetermining;
	const struct lg_policy_error *errors;
	size_t nerrors;
	uint32_t evaluated;		/* policies whose conditions were looked at: what the index left */
	uint64_t reads;			/* attributes of the context that this decision looked at: lg_policies_reads */
};

/* Of lg_answer.reads, the bit for an attribute.  While it is not set, another value of the attribute, or none, would have
 * changed nothing.  Names beyond the 63rd of a set share a bit, which names that the set does not know have too. */
uint64_t lg_policies_reads(const struct lg_policies *set, lg_str attribute);

/* Cannot fail: whatever goes wrong inside a policy is one of the answer's errors. */
void lg_authorize(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_answer *ret);

/* Do the policies that may speak of these actions answer alike for all principals of one type that have the same value of `attribute` and
 * are in the same of *above, whoever asks from wherever (context.asker, context.address)?  Those are added behind the *n that are there, at
 * most to max; when there are more: false. */
bool lg_policies_alike(const struct lg_policies *set, const lg_str *actions, size_t nactions, lg_str attribute, struct lg_euid *above, size_t max,
    size_t *n);

/* ---- the rule over two sets: the platform's and the tenant's ----------------------------------- */

#define LG_RULED_NAMES 16		/* deciding policies that a ruling names; there may be more */

enum lg_ruled {
	LG_RULED_NOTHING,		/* neither set permits it */
	LG_RULED_PERMIT,
	LG_RULED_FORBIDDEN,
	LG_RULED_ERRED,			/* a forbid could not be evaluated: deny */
	LG_RULED_UNKNOWN		/* an entity could not be read: deny */
};

struct lg_ruling {
	enum lg_ruled kind;
	lg_str policy;			/* id of the deciding one; empty if there is none */
	const lg_str *policies;		/* ids of all deciding ones of that set, this one first */
	size_t npolicies;
	const lg_str *advice;		/* their @advice: what whoever enforces should do besides */
	size_t nadvice;
	lg_str reason;			/* "forbidden by no-privileged: ..."; never empty */
	uint64_t system_reads, tenant_reads;	/* lg_answer.reads of each */
};

/* No forbid in either set and a permit in one; whatever erred or was unknown denies.  The request is validated by the caller. */
void lg_rule(struct lg_ctx *cx, const struct lg_policies *system, const struct lg_policies *tenant, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_ruling *ret);

/* Why: the determining policies with the values their clauses saw, errors, and for a deny the permits that failed in fewest clauses. */
LG_CHECKED lg_err lg_policy_explain(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, lg_str *ret);
/* The same for programs: {"decision","verdict","determining":[POLICY..],"erred":[..],"missed":[..]}, where POLICY is {"policy","effect",
 * "line","column","error","parts":[{"part":"principal"|"action"|"resource"|"when"|"unless","text","holds","values":[{"expression",
 * "value"|"error"}]}]}.  Lists are cut at 20, misses at 5; "missed_further" and the like then say how many more there are. */
void lg_policy_explain_json(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_buf *out);

/* ---- coverage --------------------------------------------------------------------------------
 * What requests made of each part of a set: is a policy ever satisfied, is a clause ever true and ever false, and each operand of
 * && and || in it?  Operands behind the one that settles it count as not reached.
 */

enum lg_part_kind { LG_PART_POLICY, LG_PART_WHEN, LG_PART_UNLESS, LG_PART_OPERAND };

struct lg_part {
	enum lg_part_kind kind;
	uint32_t policy;			/* the template's for what stands in one; a link has its POLICY part alone */
	unsigned line, column;
	lg_str text;				/* of the source; of a policy its id */
	bool constant;				/* needs no request: one outcome is all it can have */
	uint64_t yes, no, errors;		/* a policy: satisfied, not (scope or clause), erred */
};

struct lg_coverage;

/* Lies in the arena and refers to the set, which must outlive it. */
struct lg_coverage *lg_coverage_new(struct lg_arena *a, const struct lg_policies *set);
/* Looks at every policy, whatever the others say. */
void lg_coverage_add(struct lg_ctx *cx, struct lg_coverage *c, const struct lg_entities *entities, const struct lg_request *rq);
/* In order of policies, operands behind their clause. */
const struct lg_part *lg_coverage_parts(const struct lg_coverage *c, size_t *n);
/* Outcomes there are and those seen: one of a policy, two of a clause or operand, none of a constant and of a template as such. */
void lg_coverage_sum(const struct lg_coverage *c, size_t *seen, size_t *all);

/* One expression over one request: for tests and tools.  rq may be NULL. */
LG_CHECKED lg_err lg_policy_evaluate(struct lg_ctx *cx, lg_str expression, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_value *ret);

/* ---- partial decisions ----------------------------------------------------------------------
 * A request of which something is not known yet.  Each policy comes out as certain, as failing for certain, as certainly
 * not matching (then it is not listed), or as a residual: what is left of it to be found out.  Completing is exact: it gives
 * what lg_authorize gives for the whole request, errors included.  With a schema in the set, what is unknown is taken to
 * conform to it once it is known.  An entity that could not be read stays in the residual and is asked for again.
 *
 * A partial lives in its context's arena; it refers to its set and to values the port handed out, which must outlive it.
 */

struct lg_partial_request {
	struct lg_euid principal, resource;	/* id.p NULL (lg_euid_any): some entity of that type */
	struct lg_euid action;
	const struct lg_record *context;	/* what is known of it; NULL = nothing */
	const lg_str *unknown;			/* names of attributes that may still come, or not */
	size_t nunknown;
	bool context_open;			/* any attribute may still come */
};

struct lg_euid lg_euid_any(lg_str type);

enum lg_partial_verdict {
	LG_PARTIAL_DENY, LG_PARTIAL_ALLOW,	/* in every completion whose entities can be read */
	LG_PARTIAL_OPEN
};

enum lg_residual_kind { LG_RESIDUAL_TRUE, LG_RESIDUAL_ERROR, LG_RESIDUAL_OPEN };

struct lg_residual {
	uint32_t policy;
	enum lg_residual_kind kind;
};

struct lg_partial;

/* LG_E_INVALID when the action or a type is missing. */
LG_CHECKED lg_err lg_partial_new(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_partial_request *rq, struct lg_partial **ret);
/* The same decision with more known: rq repeats what p knew and adds to it (LG_E_INVALID otherwise). */
LG_CHECKED lg_err lg_partial_narrow(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_partial_request *rq, struct lg_partial **ret);
/* With all known.  LG_E_INVALID when rq is no completion of p's request.  `reads` has all bits: what was read before is not
 * remembered. */
LG_CHECKED lg_err lg_partial_complete(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_answer *ret);
enum lg_partial_verdict lg_partial_verdict(const struct lg_partial *p);
size_t lg_partial_count(const struct lg_partial *p);	/* in order of policies */
struct lg_residual lg_partial_at(const struct lg_partial *p, size_t i);
/* Each as a Cedar policy that stands for the original in completions of the request, and matches nothing else; @id is the
 * original's id.  Parsed again (ids_from_annotation) and asked, they give the same answer. */
void lg_residual_text(const struct lg_partial *p, size_t i, struct lg_buf *out);
void lg_partial_text(const struct lg_partial *p, struct lg_buf *out);

/* ---- search ---------------------------------------------------------------------------------
 * Which resources, subjects or actions are allowed?  The set is reduced once for the type that is looked for; each candidate
 * then costs what is left of it, or nothing when nothing is left.
 */

#define LG_SEARCH_LIMIT_MAX	10000		/* results of one call */
#define LG_SEARCH_LOOK_MAX	1000000		/* candidates looked at in one call */
#define LG_SEARCH_PAGE		256		/* candidates asked for at a time */

struct lg_candidates {
	void *self;
	/* Up to n entities of the type behind `after` (empty: from the first), in an order that stays; *ret = 0 at the end.
	 * Only those that are one of `roots` or in one of them can be allowed; nroots = 0: any can.  A port that cannot tell
	 * ignores it.  What is handed out stays valid until the search returns. */
	lg_err (*page)(void *self, struct lg_ctx *cx, lg_str type, lg_str after, const struct lg_euid *roots, size_t nroots,
	    struct lg_euid *v, size_t n, size_t *ret);
};

struct lg_search {
	struct lg_request rq;			/* of what is looked for, only the type counts */
	lg_str after;				/* id of the last candidate of the page before, or empty */
	size_t limit;				/* results; 0 = LG_SEARCH_LIMIT_MAX */
	size_t look;				/* candidates; 0 = LG_SEARCH_LOOK_MAX */
};

enum lg_search_how { LG_SEARCH_NONE, LG_SEARCH_ALL, LG_SEARCH_EACH };

struct lg_search_result {
	const struct lg_euid *v;		/* in the context's arena, as the ids in it */
	size_t n;
	bool more;				/* ended by limit or look: go on behind `after` */
	lg_str after;
	enum lg_search_how how;			/* without looking at one: none, all; or each was decided */
	uint32_t looked, evaluated;		/* candidates; those whose clauses were evaluated */
	uint32_t unknown;			/* denied because something could not be read */
};

/* LG_E_LIMIT for a limit beyond the maximum; what the port fails with. */
LG_CHECKED lg_err lg_search_resources(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_candidates *candidates, const struct lg_search *search, struct lg_search_result *ret);
LG_CHECKED lg_err lg_search_subjects(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_candidates *candidates, const struct lg_search *search, struct lg_search_result *ret);
/* Among `actions`, or (NULL) all actions of the set's schema; those that do not apply to the request are left out. */
LG_CHECKED lg_err lg_search_actions(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_euid *actions, size_t nactions, const struct lg_search *search, struct lg_search_result *ret);

/* ---- connections as a table -----------------------------------------------------------------
 * For every pair of a source and a destination: at which ports and protocols is the action allowed?  Exact where policies
 * compare the port with constants; where more is asked (the time, arithmetic) the row says to ask when it happens.
 */

#define LG_CONNECT_PAIRS_MAX	4000000
#define LG_CONNECT_ROWS_MAX	1000000
#define LG_CONNECT_POINTS_MAX	512		/* ports one pair's policies compare with; more: ask */
#define LG_CONNECT_PROTOCOLS	8

struct lg_connect {
	const struct lg_euid *sources, *destinations;	/* principals and resources of the action */
	size_t nsources, ndestinations;
	struct lg_euid action;
	const struct lg_record *context;	/* what holds for all of them */
	const lg_str *unknown;			/* what will be known only then: "now" */
	size_t nunknown;
	lg_str port, protocol;			/* names of the attributes: a Long, a String */
	const lg_str *protocols;
	size_t nprotocols;
};

struct lg_connect_row {
	uint32_t source, destination;		/* places in the lists */
	uint16_t first, last;			/* ports */
	uint8_t protocols;			/* bit i: protocols[i] */
	bool ask;				/* else permitted; what no row speaks of is denied */
};

struct lg_connect_table {
	const struct lg_connect_row *v;		/* by source, destination, port */
	size_t n;
	size_t constant, by_port, asked;	/* pairs: the same for all ports, told apart by ports, to be asked about */
};

LG_CHECKED lg_err lg_connect_compile(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_connect *connect, struct lg_connect_table *ret);

/* ---- analysis -------------------------------------------------------------------------------
 * What a set says, without a request.  Everything is over all requests and entities that conform to the schema, whether they
 * are there today or not.  An exact finding is proved, by types and scopes or by its witness; a sampled one was not refuted
 * by the requests tried, which were made to suit the policies.
 */

#define LG_ANALYSIS_POLICIES_MAX 2048
#define LG_ANALYSIS_SAMPLES_MAX	100000		/* requests tried for one policy or pair of policies */
#define LG_ANALYSIS_WORK_MAX	50000000	/* policies tried on requests, in all; what comes behind is not sampled */

enum lg_finding_kind {
	LG_FINDING_NEVER,		/* the policy matches no request */
	LG_FINDING_ALWAYS,		/* it matches every request */
	LG_FINDING_SHADOWED,		/* a permit that changes nothing: `by` forbids all it permits */
	LG_FINDING_REDUNDANT,		/* what it says is said without it; `by`, if one policy says it */
	LG_FINDING_WIDENS,		/* compare: the second set allows the witness, the first does not */
	LG_FINDING_NO_WIDER		/* compare: the second allows nothing that the first does not */
};

struct lg_finding {
	enum lg_finding_kind kind;
	bool exact;
	lg_str policy, by;		/* ids; empty where there is none */
	const struct lg_request *witness;	/* or NULL */
	lg_str entities;		/* the witness's: `User::"x" in [Group::"g"] {attributes}`, one a line */
};

struct lg_findings {
	const struct lg_finding *v;
	size_t n;
	uint32_t tried;			/* requests made and decided */
};

struct lg_analysis {
	uint32_t samples;		/* for one policy or pair; 0 = 50 */
	uint64_t seed;			/* the same gives the same findings */
};

LG_CHECKED lg_err lg_policies_analyse(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema,
    const struct lg_analysis *how, struct lg_findings *ret);
/* Does `after` allow what `before` does not?  One WIDENS for each permit of `after` that does, or one NO_WIDER. */
LG_CHECKED lg_err lg_policies_compare(struct lg_ctx *cx, const struct lg_policies *before, const struct lg_policies *after,
    const struct lg_schema *schema, const struct lg_analysis *how, struct lg_findings *ret);

/* ---- entities in memory: tests, tools, an agent's slice -------------------------------------- */

struct lg_entity_store;

struct lg_entity_row {
	struct lg_euid uid;
	const struct lg_record *attrs, *tags;	/* NULL = none */
	const struct lg_euid *parents;
	size_t nparents;
};

struct lg_entity_store *lg_entity_store_new(void);
/* Copies the row.  An equal row twice is fine, a different one for the same uid LG_E_EXISTS. */
LG_CHECKED lg_err lg_entity_store_add(struct lg_ctx *cx, struct lg_entity_store *st, const struct lg_entity_row *row);
/* The entities JSON of Cedar; with a schema (may be NULL) `__entity` and `__extn` may be left out and each entity is checked. */
LG_CHECKED lg_err lg_entity_store_json(struct lg_ctx *cx, struct lg_entity_store *st, const struct lg_schema *schema, lg_str json);
/* Before finish: every type not named so is unknown rather than absent; once per type held completely (empty: none is). */
void lg_entity_store_holds(struct lg_entity_store *st, lg_str type);
/* Computes ancestors (a cycle is LG_E_INVALID) and freezes. */
LG_CHECKED lg_err lg_entity_store_finish(struct lg_ctx *cx, struct lg_entity_store *st);
void lg_entity_store_free(struct lg_entity_store **st);	/* safe on NULL */
size_t lg_entity_store_count(const struct lg_entity_store *st);
struct lg_entities lg_entity_store_port(const struct lg_entity_store *st);
/* Every entity that is there, in no order; false from `each` ends the walk.  The uid lives as long as the store, and its address is
 * the port's handle of the entity. */
void lg_entity_store_each(const struct lg_entity_store *st, bool (*each)(void *arg, const struct lg_euid *uid, const struct lg_record *attrs),
    void *arg);

/* A context object; with a schema (may be NULL) read by the action's type. */
LG_CHECKED lg_err lg_context_json(struct lg_ctx *cx, const struct lg_schema *schema, const struct lg_euid *action,
    lg_str json, const struct lg_record **ret);

/* {"principal","action","resource","context"}: entities as `User::"alice"` or {"type","id"}, other members are passed over.  Checked
 * against the schema if there is one. */
LG_CHECKED lg_err lg_request_json(struct lg_ctx *cx, const struct lg_schema *schema, lg_str json, struct lg_request *ret);

/* ---- cases: requests with the answers they should have, one file as cedar-integration-tests writes it ------- */

#define LG_CASE_REQUESTS_MAX 256

struct lg_case_request {
	lg_str request;				/* for lg_request_json */
	lg_str description;
	bool validate;				/* against the schema */
	bool allow;
	const lg_str *reason, *errors;		/* ids */
	size_t nreason, nerrors;
};

struct lg_case {
	lg_str policies, entities, schema;	/* paths, as they are written */
	bool has_verdict, should_validate;
	struct lg_case_request *rq;
	size_t n;
};

/* LG_E_NOT_FOUND for JSON that is something else. */
LG_CHECKED lg_err lg_case_read(struct lg_ctx *cx, lg_str json, struct lg_case *ret);
/* The same decision, reasons and erring policies, in any order. */
bool lg_case_met(const struct lg_policies *set, const struct lg_answer *a, const struct lg_case_request *want);

#endif
