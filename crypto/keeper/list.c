/* list.c: what the server learns: the public sides of all keys, and what was signed. */
#include "crypto/keeper/process.h"

lg_err
lg_kp_keys(struct lg_call *c)
{
	for (size_t i = 0; i < c->tenants->n; i++)
		for (size_t j = 0; j < c->tenants->tenant[i]->nkeys; j++) {
			lg_put_keeper_key(c->out, &c->tenants->tenant[i]->key[j].pub);
			lg_buf_str32(c->out, c->tenants->tenant[i]->key[j].pub.place);
		}
	return lg_buf_status(c->cx, c->out);
}

lg_err
lg_kp_list_tenants(struct lg_call *c)
{
	for (size_t i = 0; i < c->tenants->n; i++) {
		const struct lg_tenant *t = c->tenants->tenant[i];
		if (t->id != 0)
			lg_put_keeper_tenant(c->out, &(struct lg_keeper_tenant){ t->id, t->name, t->ceiling, t->ocsp });
	}
	return lg_buf_status(c->cx, c->out);
}

lg_err
lg_kp_signed(struct lg_call *c)
{
	lg_signed_rows(c->kp->record, c->out);
	return lg_buf_status(c->cx, c->out);
}

lg_err
lg_kp_signed_log(struct lg_call *c)
{
	uint64_t from = lg_rd_u64(&c->rd);

	if (!lg_rd_done(&c->rd))
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	return lg_signed_read(c->cx, c->kp->record, from, LG_KEEPER_FRAME / LG_SIGNED_ROW, c->out);
}
