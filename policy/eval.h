/* eval.h: evaluation of expressions over one request. */
#ifndef LG_POLICY_EVAL_H
#define LG_POLICY_EVAL_H

#include "policy/ast.h"
#include "policy/schema.h"

/* An entity of this evaluation: where it is, and in whom. */
struct lg_seen {
	bool looked;
	enum lg_found found;
	lg_entity handle;
	const struct lg_schema_action *action;	/* it is the schema's, not the port's */
};

struct lg_eval {
	struct lg_ctx *cx;
	const struct lg_entities *entities;
	const struct lg_schema *schema;		/* or NULL */
	const struct lg_request *rq;
	struct lg_value var[4];
	struct lg_seen seen[3];			/* of principal, action, resource */
	uint32_t steps;				/* left for this policy */
	lg_str error;				/* set when an evaluation failed */
	uint32_t error_at;
	uint64_t reads;				/* attributes of the context looked at, as in lg_answer */
	bool unknown;				/* something could not be read, in this policy */
	struct lg_euid unknown_uid;
};

void lg_eval_init(struct lg_eval *ev, struct lg_ctx *cx, const struct lg_entities *entities,
    const struct lg_schema *schema, const struct lg_request *rq);
/* Before each policy: fresh steps, no error. */
void lg_eval_start(struct lg_eval *ev);
/* The bit of an attribute in `reads`. */
static inline uint64_t
lg_eval_bit(uint32_t name)
{
	return UINT64_C(1) << (name < 63 ? name : 63);
}

/* False with ev->error. */
bool lg_eval(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret);

/* The port's answers, with those of the schema about actions.  Unknown is remembered in ev. */
struct lg_seen lg_eval_find(struct lg_eval *ev, const struct lg_value *entity);
/* `entity` in `above`, reflexive. */
enum lg_found lg_eval_within(struct lg_eval *ev, const struct lg_value *entity, const struct lg_value *above);
bool lg_like(lg_str text, lg_str pattern);

#endif
