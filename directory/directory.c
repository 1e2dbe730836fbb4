/* directory.c: opening the directory: the store and the ports, kept together. */
#include "directory/directory.h"

#include <stdlib.h>

#include "directory/hub.h"
#include "directory/indexes.h"
#include "directory/pwd.h"
#include "directory/schema_own.h"

lg_err
lg_directory_follow(struct lg_ctx *cx, struct lg_store *st)
{
	LG_TRY(lg_schema_follow(cx, st));
	return lg_indexes_follow(cx, st);
}

lg_err
lg_directory_open(struct lg_ctx *cx, struct lg_store *st, const struct lg_directory_ports *ports, struct lg_directory **ret)
{
	struct lg_directory *dir;

	if (ports->signer == NULL || (ports->decider == NULL) != (ports->hasher == NULL))
		return lg_fail(cx, LG_E_INVALID, "the directory needs a signer, and to be served a decider and a hasher");
	dir = calloc(1, sizeof *dir);
	if (dir == NULL)
		abort();
	dir->store = st;
	dir->ports = *ports;
	dir->hub = lg_hub_new(st);
	dir->counts = lg_pwd_counts_new();
	*ret = dir;
	lg_err e = lg_directory_follow(cx, st);
	if (e != LG_OK)
		lg_directory_close(ret);
	return e;
}

void
lg_directory_close(struct lg_directory **dir)
{
	if (*dir == NULL)
		return;
	lg_hub_free(&(*dir)->hub);
	lg_pwd_counts_free(&(*dir)->counts);
	free(*dir);
	*dir = NULL;
}
