/* ask.h: the questions this component puts to policy. */
#ifndef LG_CERTS_ASK_H
#define LG_CERTS_ASK_H

#include "certs/trust.h"

/* What a decision was based on; while it stands, the same question has the same answer. */
struct lg_decided {
	uint64_t revision[LG_DOMAINS];
	bool stable;			/* the answer does not depend on time */
};

struct lg_certs_question {
	uint32_t tenant;
	struct lg_entity_id asker;
	const char *proof;
	lg_str profile;
	const struct lg_cert_subject *entry;
	const struct lg_cert_names *names;
	const lg_str *principals;	/* of SSH certificates */
	size_t nprincipals;
	int64_t life;			/* microseconds */
};
/* certificate:issue on the final names.  LG_E_DENIED with the reason. */
LG_CHECKED lg_err lg_certs_ask_issue(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, const struct lg_certs_question *q,
    struct lg_decided *ret);
bool lg_certs_decided_stands(struct lg_view *v, uint32_t tenant, const struct lg_decided *d);

/* An action of the caller on an entity of the directory. */
LG_CHECKED lg_err lg_certs_ask_on(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant,
    const struct lg_certs_caller *by, const char *action, struct lg_entity_id resource);

#endif
