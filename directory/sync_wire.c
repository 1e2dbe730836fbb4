/* sync_wire.c: messages of content synchronisation (RFC 4533 2). */
#include "directory/sync.h"

static lg_str
uuid_octets(const lg_uuid *u)
{
	return (lg_str){ (const char *)u->b, sizeof u->b };
}

/* 2.2: the control of an entry. */
static void
put_state(struct lg_buf *out, enum lg_sync_state state, const lg_uuid *uuid)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(64);
	struct lg_berw w = lg_berw_of(&value), control = lg_berw_of(out);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_ENUMERATED, state);
	lg_berw_str(&w, LG_BER_OCTETS, uuid_octets(uuid));
	lg_berw_close(&w);
	lg_berw_open(&control, LG_BER_SEQUENCE);
	lg_berw_str(&control, LG_BER_OCTETS, LG_STR(LG_CONTROL_SYNC_STATE));
	lg_berw_str(&control, LG_BER_OCTETS, lg_buf_view(&value));
	lg_berw_close(&control);
}

void
lg_sync_send_entry(struct lg_op *op, struct lg_shown *sh, enum lg_sync_state state)
{
	LG_AUTO(lg_buf_free) struct lg_buf controls = LG_BUF(256);
	struct lg_search *s = op->state;

	sh->content = true;
	sh->only = op->controls.values;
	sh->nonly = op->controls.nvalues;
	put_state(&controls, state, &sh->e->uuid);
	lg_shown_write(sh, &s->selection, op->id, lg_buf_view(&controls), &op->conn->out);
	s->sent++;
	op->ldap->counts.entries++;
}

void
lg_sync_send_deleted(struct lg_op *op, lg_uuid uuid, lg_str dn)
{
	LG_AUTO(lg_buf_free) struct lg_buf controls = LG_BUF(256);
	struct lg_berw w = lg_berw_of(&op->conn->out);

	put_state(&controls, LG_SYNC_STATE_DELETE, &uuid);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, op->id);
	lg_berw_open(&w, 0x64);
	lg_berw_str(&w, LG_BER_OCTETS, dn);
	lg_berw_str(&w, LG_BER_SEQUENCE, LG_NONE);
	lg_berw_close(&w);
	lg_berw_str(&w, LG_BER_CONTEXT_SET(0), lg_buf_view(&controls));
	lg_berw_close(&w);
}

/* 2.5: an intermediate message with a syncInfoValue. */
static void
send_info(struct lg_op *op, lg_str value)
{
	struct lg_berw w = lg_berw_of(&op->conn->out);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, op->id);
	lg_berw_open(&w, 0x79);			/* IntermediateResponse: [APPLICATION 25] */
	lg_berw_str(&w, LG_BER_CONTEXT(0), LG_STR(LG_SYNC_INFO));
	lg_berw_str(&w, LG_BER_CONTEXT(1), value);
	lg_berw_close(&w);
	lg_berw_close(&w);
}

void
lg_sync_flush_names(struct lg_op *op)
{
	struct lg_search *s = op->state;
	struct lg_sync *sy = s->sync;
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(sizeof sy->uuids * 2);
	struct lg_berw w = lg_berw_of(&value);

	if (sy->nuuids == 0)
		return;
	lg_berw_open(&w, LG_BER_CONTEXT_SET(3));		/* syncIdSet */
	if (sy->phase == LG_SYNC_CHANGES)
		lg_berw_bool(&w, LG_BER_BOOLEAN, true);		/* refreshDeletes */
	lg_berw_open(&w, LG_BER_SET);
	for (size_t i = 0; i < sy->nuuids; i++)
		lg_berw_str(&w, LG_BER_OCTETS, (lg_str){ sy->uuids + 16 * i, 16 });
	lg_berw_close(&w);
	lg_berw_close(&w);
	send_info(op, lg_buf_view(&value));
	sy->nuuids = 0;
}

void
lg_sync_name(struct lg_op *op, lg_uuid uuid)
{
	struct lg_search *s = op->state;
	struct lg_sync *sy = s->sync;

	memcpy(sy->uuids + 16 * sy->nuuids++, uuid.b, sizeof uuid.b);
	if (sy->nuuids == LG_SYNC_SET)
		lg_sync_flush_names(op);
}

void
lg_sync_send_cookie(struct lg_op *op, lg_str cookie)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(256);
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_str(&w, LG_BER_CONTEXT(0), cookie);
	send_info(op, lg_buf_view(&value));
}

/* refreshDelete or refreshPresent, which ends the refresh stage (2.5.2, 2.5.3). */
void
lg_sync_send_refreshed(struct lg_op *op, lg_str cookie)
{
	const struct lg_search *s = op->state;
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(256);
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_open(&w, s->sync->phase == LG_SYNC_CHANGES ? LG_BER_CONTEXT_SET(1) : LG_BER_CONTEXT_SET(2));
	lg_berw_str(&w, LG_BER_OCTETS, cookie);
	lg_berw_bool(&w, LG_BER_BOOLEAN, true);
	lg_berw_close(&w);
	send_info(op, lg_buf_view(&value));
}

/* 2.4 */
void
lg_sync_reply_done(struct lg_op *op, lg_str cookie)
{
	const struct lg_search *s = op->state;
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(256);
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_OCTETS, cookie);
	if (s->sync->phase == LG_SYNC_CHANGES)
		lg_berw_bool(&w, LG_BER_BOOLEAN, true);		/* refreshDeletes */
	lg_berw_close(&w);
	lg_op_reply(op, LG_CONTROL_SYNC_DONE, lg_buf_view(&value));
}
