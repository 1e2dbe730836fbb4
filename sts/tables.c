/* tables.c: the tables of the token service, the keys in them, and the sweep of what has expired. */
#include "sts/consent.h"
#include "sts/factor.h"
#include "sts/mail.h"
#include "sts/source.h"

#define SWEEP_ROWS	1000
#define ROW_VERSION	1

static void derive_session(struct lg_derive *d, lg_str key, lg_str value);
static void derive_grant(struct lg_derive *d, lg_str key, lg_str value);

const struct lg_table sts_clients = {
	.name = "sts_clients", .id = 0x0501, .domain = LG_DOMAIN_CLIENTS, .derive = sts_client_derive,
};
const struct lg_table sts_wants = { .name = "sts_wants", .id = 0x0509, .derived = true };
const struct lg_table sts_codes = { .name = "sts_codes", .id = 0x0502, .derive = sts_derive_expiry };
const struct lg_table sts_grants = { .name = "sts_grants", .id = 0x0503, .derive = derive_grant };
const struct lg_table sts_sessions = { .name = "sts_sessions", .id = 0x0504, .derive = derive_session };
/* u32 tenant, subject, session */
const struct lg_table sts_session_subjects = { .name = "sts_session_subjects", .id = 0x050a, .derived = true };
const struct lg_table sts_visits = { .name = "sts_visits", .id = 0x050b, .derive = sts_derive_expiry };
const struct lg_table sts_notices = { .name = "sts_notices", .id = 0x050c, .derive = sts_derive_expiry };
const struct lg_table sts_revoked = {
	.name = "sts_revoked", .id = 0x0505, .domain = LG_DOMAIN_TRUST, .derive = sts_derive_expiry,
};
const struct lg_table sts_pushed = { .name = "sts_pushed", .id = 0x0507, .derive = sts_derive_expiry };
const struct lg_table sts_devices = { .name = "sts_devices", .id = 0x0508, .derive = sts_derive_expiry };
/* u64 second, u8 table, key of the row: in the order in which rows may go. */
const struct lg_table sts_expiry = { .name = "sts_expiry", .id = 0x0506, .derived = true, .service = true };

const struct lg_table *const lg_sts_tables[] = {
	&sts_clients, &sts_codes, &sts_grants, &sts_sessions, &sts_revoked, &sts_expiry,
	&sts_pushed, &sts_devices, &sts_wants, &sts_session_subjects, &sts_visits, &sts_notices, &sts_sources, &sts_source_keys, &sts_links,
	&sts_factors, &sts_consents, &sts_grant_subjects, &sts_mail_servers, &sts_mails, &sts_password_links, &sts_proved_mails,
};
const size_t lg_sts_table_count = LG_COUNT(lg_sts_tables);

lg_str
sts_key(struct lg_arena *a, uint32_t tenant, lg_str rest)
{
	char *p = lg_alloc(a, 4 + rest.n);

	for (int i = 0; i < 4; i++)
		p[i] = (char)(tenant >> (24 - 8 * i));
	if (rest.n > 0)
		memcpy(p + 4, rest.p, rest.n);
	return (lg_str){ p, 4 + rest.n };
}

lg_str
sts_uuid_str(const lg_uuid *u)
{
	return (lg_str){ (const char *)u->b, sizeof u->b };
}

/* ---- rows that expire ------------------------------------------------------------------------------- */

#define FRONT	10	/* version, table, second */

void
sts_row_begin(struct lg_buf *b, const struct lg_table *t, int64_t drop_us)
{
	const uint8_t front[2] = { ROW_VERSION, (uint8_t)t->id };

	lg_buf_bytes(b, front, sizeof front);
	lg_buf_u64(b, (uint64_t)(drop_us / LG_SECOND) + 1);
}

struct lg_rd
sts_row_open(lg_str row, const struct lg_table *t)
{
	struct lg_rd rd = lg_rd_of(row);

	if (lg_rd_u8(&rd) != ROW_VERSION || lg_rd_u8(&rd) != (uint8_t)t->id)
		rd.bad = true;
	(void)lg_rd_u64(&rd);
	return rd;
}

void
sts_derive_expiry(struct lg_derive *d, lg_str key, lg_str value)
{
	char at[LG_KEY_MAX];

	if (value.n < FRONT || key.n > sizeof at - 9)
		return;
	memcpy(at, value.p + 2, 8);
	at[8] = value.p[1];
	memcpy(at + 9, key.p, key.n);
	lg_emit(d, &sts_expiry, (lg_str){ at, 9 + key.n }, LG_NONE);
}

static void
derive_session(struct lg_derive *d, lg_str key, lg_str value)
{
	char at[4 + 2 * sizeof(lg_uuid)];

	sts_derive_expiry(d, key, value);
	if (key.n != 4 + sizeof(lg_uuid) || value.n < FRONT + sizeof(lg_uuid))
		return;
	memcpy(at, key.p, 4);
	memcpy(at + 4, value.p + FRONT, sizeof(lg_uuid));
	memcpy(at + 4 + sizeof(lg_uuid), key.p + 4, sizeof(lg_uuid));
	lg_emit(d, &sts_session_subjects, (lg_str){ at, sizeof at }, LG_NONE);
}

/* Whose it is, and, as the value, which client's. */
static void
derive_grant(struct lg_derive *d, lg_str key, lg_str value)
{
	lg_str list[LG_AUDIENCES], client;
	char at[4 + 2 * sizeof(lg_uuid)];
	struct lg_rd rd = lg_rd_of(lg_str_sub(value, FRONT, value.n));
	lg_uuid subject;

	sts_derive_expiry(d, key, value);
	client = lg_rd_str32(&rd);
	(void)lg_rd_str32(&rd);
	(void)sts_row_get_list(&rd, list, LG_AUDIENCES);
	subject = lg_rd_uuid(&rd);
	if (rd.bad || key.n != 4 + sizeof(lg_uuid))
		return;
	memcpy(at, key.p, 4);
	memcpy(at + 4, subject.b, sizeof subject.b);
	memcpy(at + 4 + sizeof(lg_uuid), key.p + 4, sizeof(lg_uuid));
	lg_emit(d, &sts_grant_subjects, (lg_str){ at, sizeof at }, client);
}

/* ---- the sweep ---------------------------------------------------------------------------------------- */

struct sweep {
	lg_str key[SWEEP_ROWS];		/* of the index */
	size_t n;
};

static const struct lg_table *
table_of(uint8_t number)
{
	for (size_t i = 0; i < LG_COUNT(lg_sts_tables); i++)
		if ((uint8_t)lg_sts_tables[i]->id == number)
			return lg_sts_tables[i];
	return NULL;
}

/* Index keys up to now; they begin with a second, so the first one that is later ends it. */
static lg_err
collect(struct lg_ctx *cx, struct lg_view *v, int64_t now, struct sweep *sw)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	lg_str key, value;

	sw->n = 0;
	LG_TRY(lg_scan(cx, v, &sts_expiry, LG_NONE, LG_NONE, &c));
	while (sw->n < SWEEP_ROWS && lg_cursor_next(&c, &key, &value)) {
		struct lg_rd rd = lg_rd_of(key);

		if (lg_rd_u64(&rd) > (uint64_t)(now / LG_SECOND))
			break;
		sw->key[sw->n++] = lg_dup(cx->arena, key);
	}
	return LG_OK;
}

static lg_err
sweep_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sweep *sw = arg;

	LG_TRY(collect(cx, v, lg_view_time(v), sw));
	for (size_t i = 0; i < sw->n; i++) {
		const struct lg_table *t = table_of((uint8_t)sw->key[i].p[8]);

		if (t == NULL)
			return lg_fail(cx, LG_E_CORRUPT, "sts: an expiry row of no table");
		LG_TRY(lg_del(cx, v, t, lg_str_sub(sw->key[i], 9, LG_KEY_MAX)));
	}
	return LG_OK;
}

lg_err
lg_sts_sweep(struct lg_ctx *cx, struct lg_sts *sts, bool *more)
{
	struct sweep *sw = LG_NEW(cx->arena, struct sweep);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	/* Most of the time there is nothing, and nothing is then written. */
	LG_TRY(lg_view_begin(cx, sts->store, &v));
	LG_TRY(collect(cx, v, cx->now, sw));
	lg_view_end(&v);
	*more = sw->n == SWEEP_ROWS;
	if (sw->n == 0)
		return LG_OK;
	return lg_store_apply(cx, sts->store, 0, "sts.sweep", sweep_run, sw, NULL);
}
