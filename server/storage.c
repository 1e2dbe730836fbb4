#include "server/storage.h"

#include "lightgate/certs.h"
#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/admissions.h"
#include "server/bootstrap.h"
#include "server/point.h"
#include "server/told.h"
#include "server/whereabouts.h"

#define TABLES_MAX 128

static size_t
add_tables(const struct lg_table **all, size_t n, const struct lg_table *const *more, size_t count)
{
	for (size_t i = 0; i < count && n < TABLES_MAX; i++)
		all[n++] = more[i];
	return n;
}

static lg_err
open_store(struct lg_ctx *cx, const struct lg_settings *s, const char *dir, const char *archive, bool nosync, struct lg_store **ret)
{
	static const struct lg_table *all[TABLES_MAX];
	static const struct lg_table *const ours[] = { &lg_tenant_key_table, &lg_admission_table, &lg_redeemed_table, &lg_whereabouts_table,
		&lg_told_table };
	size_t n = 0;

	n = add_tables(all, n, lg_directory_tables, lg_directory_ntables);
	n = add_tables(all, n, lg_sts_tables, lg_sts_table_count);
	n = add_tables(all, n, lg_certs_tables, lg_certs_ntables);
	n = add_tables(all, n, lg_point_tables, lg_point_ntables);
	n = add_tables(all, n, ours, LG_COUNT(ours));
	struct lg_store_options o = {
		.dir = dir, .archive = archive, .map_size = (size_t)s->map_size, .tables = all, .ntables = n, .node = LG_STR("node"),
		.nosync = nosync,
	};
	return lg_store_open(cx, &o, ret);
}

lg_err
lg_storage_open(struct lg_ctx *cx, const struct lg_settings *s, const char *dir, const char *archive, struct lg_store **ret)
{
	return open_store(cx, s, dir, archive, false, ret);
}

lg_err
lg_storage_open_load(struct lg_ctx *cx, const struct lg_settings *s, const char *dir, const char *archive, struct lg_store **ret)
{
	return open_store(cx, s, dir, archive, true, ret);
}
