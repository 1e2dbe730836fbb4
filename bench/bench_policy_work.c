/*
 * bench_policy_work.c: writes the workloads that policy engines are compared on: `policy_work DIR NAME-SIZE...`.
 *
 * Each becomes DIR/NAME-SIZE/{policies.cedar,entities.json,requests.json}, the same on every machine: a seeded generator, no
 * clock.  forge, drive and todo have the shapes of the published Cedar benchmarks (arXiv 2403.04651); ctr is a container host.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "bench/bench.h"

enum { REQUESTS = 500, SIZE_MAX_OF_ONE = 100000, TEXT_MAX = 256 << 20 };

struct work {
	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_buf policies, entities, requests;
	struct lg_jsonw e, r;
	uint64_t seed;
	unsigned n;			/* the size in the workload's name */
};

/* splitmix64 */
static uint64_t
draw(struct work *w)
{
	uint64_t z = w->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned
below(struct work *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

static bool
chance(struct work *w, unsigned percent)
{
	return below(w, 100) < percent;
}

static lg_str LG_PRINTF(2, 3)
text(struct work *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	lg_str s = lg_vprint(w->arena, fmt, ap);
	va_end(ap);
	return s;
}

#define NAMED(w, prefix, i)	text(w, prefix "%u", i)

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void
uid(struct lg_jsonw *j, const char *type, lg_str id)
{
	lg_jsonw_object(j);
	lg_jsonw_str_of(j, "type", lg_str_of(type));
	lg_jsonw_str_of(j, "id", id);
	lg_jsonw_object_end(j);
}

static void
uid_of(struct lg_jsonw *j, const char *name, const char *type, lg_str id)
{
	lg_jsonw_name(j, lg_str_of(name));
	uid(j, type, id);
}

static void
reference(struct work *w, const char *name, const char *type, lg_str id)
{
	lg_jsonw_name(&w->e, lg_str_of(name));
	lg_jsonw_object(&w->e);
	uid_of(&w->e, "__entity", type, id);
	lg_jsonw_object_end(&w->e);
}

static void
address(struct lg_jsonw *j, const char *name, lg_str ip)
{
	lg_jsonw_name(j, lg_str_of(name));
	lg_jsonw_object(j);
	lg_jsonw_name(j, LG_STR("__extn"));
	lg_jsonw_object(j);
	lg_jsonw_str_of(j, "fn", LG_STR("ip"));
	lg_jsonw_str_of(j, "arg", ip);
	lg_jsonw_object_end(j);
	lg_jsonw_object_end(j);
}

/* An entity is written in order: attributes, parents, end. */
static void
entity(struct work *w, const char *type, lg_str id)
{
	lg_jsonw_object(&w->e);
	uid_of(&w->e, "uid", type, id);
	lg_jsonw_name(&w->e, LG_STR("attrs"));
	lg_jsonw_object(&w->e);
}

static void
parents(struct work *w)
{
	lg_jsonw_object_end(&w->e);
	lg_jsonw_name(&w->e, LG_STR("parents"));
	lg_jsonw_array(&w->e);
}

static void
parent(struct work *w, const char *type, lg_str id)
{
	uid(&w->e, type, id);
}

static void
end(struct work *w)
{
	lg_jsonw_array_end(&w->e);
	lg_jsonw_object_end(&w->e);
}

static void
request(struct work *w, const char *principal_type, lg_str principal, const char *action, const char *resource_type, lg_str resource)
{
	lg_jsonw_object(&w->r);
	uid_of(&w->r, "principal", principal_type, principal);
	uid_of(&w->r, "action", "Action", lg_str_of(action));
	uid_of(&w->r, "resource", resource_type, resource);
	lg_jsonw_name(&w->r, LG_STR("context"));
	lg_jsonw_object(&w->r);
}

static void
request_end(struct work *w)
{
	lg_jsonw_object_end(&w->r);
	lg_jsonw_object_end(&w->r);
}

/* Edges to N of a kind, each there with p = 0.05. */
static void
edges(struct work *w, const char *type, const char *prefix, unsigned from)
{
	for (unsigned i = from; i < w->n; i++)
		if (chance(w, 5))
			parent(w, type, text(w, "%s%u", prefix, i));
}

/* ---- forge: organisations, repositories, teams --------------------------------------------------------------------- */

static const char *const org_roles[] = { "members", "writers", "admins" };
static const char *const repo_roles[] = { "readers", "triagers", "writers", "maintainers", "admins" };
static const char *const forge_actions[] = { "read", "triage", "write", "maintain", "admin" };

static void
put_forge_policies(struct work *w)
{
	static const char *const of_org[] = { "read", "write", "admin" };

	for (size_t i = 0; i < LG_COUNT(repo_roles); i++)
		lg_buf_printf(&w->policies, "permit (principal, action in Action::\"%s\", resource) when { principal in resource.%s };\n",
		    forge_actions[i], repo_roles[i]);
	for (size_t i = 0; i < LG_COUNT(org_roles); i++)
		lg_buf_printf(&w->policies, "permit (principal, action in Action::\"%s\", resource) when { principal in resource.owner.%s };\n",
		    of_org[i], org_roles[i]);
}

/* A thing and its roles, which are groups of their own. */
static void
put_roles(struct work *w, const char *type, const char *prefix, unsigned i, const char *const *roles, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		entity(w, "Role", text(w, "%s%u-%s", prefix, i, roles[k]));
		parents(w);
		end(w);
	}
	entity(w, type, text(w, "%s%u", prefix, i));
	for (size_t k = 0; k < n; k++)
		reference(w, roles[k], "Role", text(w, "%s%u-%s", prefix, i, roles[k]));
	if (roles == repo_roles)
		reference(w, "owner", "Org", NAMED(w, "org", below(w, w->n)));
	parents(w);
	end(w);
}

static void
put_forge_member(struct work *w, const char *type, const char *prefix, unsigned i, unsigned teams_from)
{
	entity(w, type, text(w, "%s%u", prefix, i));
	parents(w);
	edges(w, "Team", "team", teams_from);
	for (unsigned k = 0; k < w->n; k++) {
		for (size_t r = 0; r < LG_COUNT(org_roles); r++)
			if (chance(w, 5))
				parent(w, "Role", text(w, "org%u-%s", k, org_roles[r]));
		for (size_t r = 0; r < LG_COUNT(repo_roles); r++)
			if (chance(w, 5))
				parent(w, "Role", text(w, "repo%u-%s", k, repo_roles[r]));
	}
	end(w);
}

static void
put_nested_actions(struct work *w)
{
	for (size_t i = 0; i < LG_COUNT(forge_actions); i++) {
		entity(w, "Action", lg_str_of(forge_actions[i]));
		parents(w);
		if (i + 1 < LG_COUNT(forge_actions))
			parent(w, "Action", lg_str_of(forge_actions[i + 1]));
		end(w);
	}
}

static void
forge(struct work *w)
{
	put_forge_policies(w);
	put_nested_actions(w);
	for (unsigned i = 0; i < w->n; i++) {
		put_roles(w, "Org", "org", i, org_roles, LG_COUNT(org_roles));
		put_roles(w, "Repo", "repo", i, repo_roles, LG_COUNT(repo_roles));
		put_forge_member(w, "Team", "team", i, i + 1);	/* teams in later teams: no cycle */
		put_forge_member(w, "User", "user", i, 0);
	}
	for (int i = 0; i < REQUESTS; i++) {
		lg_str user = NAMED(w, "user", below(w, w->n)), repo = NAMED(w, "repo", below(w, w->n));
		request(w, "User", user, forge_actions[below(w, LG_COUNT(forge_actions))], "Repo", repo);
		request_end(w);
	}
}

/* ---- drive: documents in folders, seen through views ---------------------------------------------------------------- */

static const char drive_policies[] =
    "permit (principal, action == Action::\"view\", resource) when { resource in principal.canView };\n"
    "permit (principal, action in [Action::\"view\", Action::\"edit\"], resource) when { resource in principal.canEdit };\n"
    "permit (principal, action in [Action::\"view\", Action::\"edit\", Action::\"share\"], resource) when { resource.owner == principal };\n"
    "permit (principal, action == Action::\"view\", resource) when { resource.public };\n"
    "permit (principal, action == Action::\"create\", resource is Folder) when { resource.owner == principal };\n";

static void
put_drive_principal(struct work *w, unsigned i)
{
	entity(w, "View", NAMED(w, "group-view", i));
	parents(w);
	edges(w, "View", "view", 0);		/* what a group sees, its members see */
	end(w);
	entity(w, "View", NAMED(w, "view", i));
	parents(w);
	end(w);
	entity(w, "View", NAMED(w, "edit", i));
	parents(w);
	parent(w, "View", NAMED(w, "view", i));
	end(w);
	entity(w, "Group", NAMED(w, "group", i));
	parents(w);
	end(w);
	entity(w, "User", NAMED(w, "user", i));
	reference(w, "canView", "View", NAMED(w, "view", i));
	reference(w, "canEdit", "View", NAMED(w, "edit", i));
	parents(w);
	edges(w, "Group", "group", 0);
	end(w);
}

static void
put_drive_item(struct work *w, const char *type, const char *prefix, unsigned i, unsigned folders_from)
{
	entity(w, type, text(w, "%s%u", prefix, i));
	reference(w, "owner", "User", NAMED(w, "user", below(w, w->n)));
	lg_jsonw_bool_of(&w->e, "public", chance(w, 5));
	parents(w);
	edges(w, "Folder", "folder", folders_from);
	edges(w, "View", "view", 0);
	edges(w, "View", "edit", 0);
	edges(w, "View", "group-view", 0);
	end(w);
}

static void
drive(struct work *w)
{
	static const char *const actions[] = { "view", "edit", "share" };

	lg_buf_str(&w->policies, lg_str_of(drive_policies));
	for (unsigned i = 0; i < w->n; i++) {
		put_drive_principal(w, i);
		put_drive_item(w, "Folder", "folder", i, i + 1);
		put_drive_item(w, "Document", "doc", i, 0);
	}
	for (int i = 0; i < REQUESTS; i++) {
		lg_str user = NAMED(w, "user", below(w, w->n)), item = NAMED(w, "doc", below(w, w->n));
		request(w, "User", user, actions[below(w, LG_COUNT(actions))], "Document", item);
		request_end(w);
	}
}

/* ---- todo: teams in a tree, lists shared with them -------------------------------------------------------------------- */

static const char todo_policies[] =
    "permit (principal, action in [Action::\"CreateList\", Action::\"GetLists\"], resource == Application::\"todo\");\n"
    "permit (principal, action, resource is List) when { resource.owner == principal };\n"
    "permit (principal, action == Action::\"GetList\", resource is List) when {\n"
    "  principal in resource.readers || principal in resource.editors\n};\n"
    "permit (principal, action in [Action::\"UpdateList\", Action::\"CreateTask\", Action::\"DeleteTask\"], resource is List)\n"
    "when { principal in resource.editors };\n";

static void
put_todo(struct work *w, unsigned i)
{
	entity(w, "Team", NAMED(w, "team", i));
	parents(w);
	if (i > 0)
		parent(w, "Team", NAMED(w, "team", (i - 1) / 2));
	end(w);
	entity(w, "User", NAMED(w, "user", i));
	parents(w);
	parent(w, "Team", NAMED(w, "team", below(w, w->n)));
	end(w);
	entity(w, "List", NAMED(w, "list", i));
	reference(w, "owner", "User", NAMED(w, "user", below(w, w->n)));
	reference(w, "readers", "Team", NAMED(w, "team", below(w, w->n)));
	reference(w, "editors", "Team", NAMED(w, "team", below(w, w->n)));
	parents(w);
	parent(w, "Application", LG_STR("todo"));
	end(w);
}

static void
todo(struct work *w)
{
	static const char *const actions[] = { "GetList", "UpdateList", "CreateTask", "DeleteTask", "CreateList" };

	lg_buf_str(&w->policies, lg_str_of(todo_policies));
	for (unsigned i = 0; i < w->n; i++)
		put_todo(w, i);
	entity(w, "Application", LG_STR("todo"));
	parents(w);
	end(w);
	for (int i = 0; i < REQUESTS; i++) {
		unsigned action = below(w, LG_COUNT(actions));
		lg_str user = NAMED(w, "user", below(w, w->n));
		if (action == LG_COUNT(actions) - 1)
			request(w, "User", user, actions[action], "Application", LG_STR("todo"));
		else
			request(w, "User", user, actions[action], "List", NAMED(w, "list", below(w, w->n)));
		request_end(w);
	}
}

/* ---- ctr: projects of containers ------------------------------------------------------------------------------------------ */

static const char ctr_forbids[] =
    "forbid (principal, action == Action::\"start\", resource) unless { resource.signed };\n"
    "forbid (principal, action == Action::\"exec\", resource) when { resource.tier == \"db\" && !context.mfa };\n";
static const char *const tiers[] = { "web", "api", "db" };

static void
put_ctr_policies(struct work *w, unsigned p)
{
	lg_buf_printf(&w->policies, "permit (principal in Role::\"ops%u\", action in [Action::\"start\", Action::\"exec\", Action::\"logs\"],\n"
	    "  resource in Project::\"p%u\");\n", p, p);
	lg_buf_printf(&w->policies, "permit (principal in Project::\"p%u\", action == Action::\"connect\", resource in Project::\"p%u\") when {\n"
	    "  context.port == %u && principal.spiffe like \"spiffe://example.org/p%u/*\" && resource.addr.isInRange(ip(\"10.%u.%u.0/24\"))\n};\n",
	    p, p, 5000 + p % 3, p, p / 256, p % 256);
}

static void
put_ctr_project(struct work *w, unsigned p)
{
	entity(w, "Project", NAMED(w, "p", p));
	parents(w);
	end(w);
	entity(w, "Role", NAMED(w, "ops", p));
	parents(w);
	end(w);
	entity(w, "User", NAMED(w, "user", p));
	parents(w);
	parent(w, "Role", NAMED(w, "ops", p));
	end(w);
	for (unsigned k = 0; k < LG_COUNT(tiers); k++) {
		entity(w, "Container", text(w, "p%u-%s", p, tiers[k]));
		lg_jsonw_str_of(&w->e, "spiffe", text(w, "spiffe://example.org/p%u/%s", p, tiers[k]));
		lg_jsonw_str_of(&w->e, "tier", lg_str_of(tiers[k]));
		lg_jsonw_bool_of(&w->e, "signed", chance(w, 90));
		address(&w->e, "addr", text(w, "10.%u.%u.%u", p / 256, p % 256, k + 1));
		parents(w);
		parent(w, "Project", NAMED(w, "p", p));
		end(w);
	}
}

static void
put_ctr_request(struct work *w, unsigned projects)
{
	static const char *const actions[] = { "start", "exec", "logs", "connect" };
	unsigned p = below(w, projects), other = chance(w, 80) ? p : below(w, projects), action = below(w, LG_COUNT(actions));
	lg_str resource = text(w, "p%u-%s", other, tiers[below(w, LG_COUNT(tiers))]);

	if (action == LG_COUNT(actions) - 1)
		request(w, "Container", text(w, "p%u-%s", p, tiers[below(w, LG_COUNT(tiers))]), actions[action], "Container", resource);
	else
		request(w, "User", NAMED(w, "user", p), actions[action], "Container", resource);
	lg_jsonw_int_of(&w->r, "port", 5000 + (int64_t)(chance(w, 80) ? p % 3 : 7));
	lg_jsonw_bool_of(&w->r, "mfa", chance(w, 50));
	request_end(w);
}

static void
ctr(struct work *w)
{
	unsigned projects = w->n < 2 ? 1 : w->n / 2;

	lg_buf_str(&w->policies, lg_str_of(ctr_forbids));
	for (unsigned p = 0; p < projects; p++) {
		put_ctr_policies(w, p);
		put_ctr_project(w, p);
	}
	for (int i = 0; i < REQUESTS; i++)
		put_ctr_request(w, projects);
}

/* ---- files ------------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*make)(struct work *w);
} workloads[] = {
	{ "forge", forge }, { "drive", drive }, { "todo", todo }, { "ctr", ctr },
};

static void
save(struct work *w, const char *dir, const char *name, struct lg_buf *b)
{
	lg_str path = text(w, "%s/%s", dir, name);

	must(lg_buf_status(&w->cx, b) == LG_OK && lg_file_write(&w->cx, path.p, 0644, lg_buf_view(b)) == LG_OK, path.p);
	lg_buf_free(b);
}

static void
write_one(const char *top, const char *name)
{
	struct work w = { .arena = lg_arena_new(), .seed = 20260101, .policies = LG_BUF(TEXT_MAX), .entities = LG_BUF(TEXT_MAX),
		.requests = LG_BUF(TEXT_MAX) };
	lg_str kind, size;
	size_t i = 0;

	lg_ctx_init(&w.cx, w.arena);
	w.e = lg_jsonw_of(&w.entities);
	w.r = lg_jsonw_of(&w.requests);
	must(lg_str_cut(lg_str_of(name), '-', &kind, &size), "NAME-SIZE");
	w.n = (unsigned)strtoul(size.p, NULL, 10);
	while (i < LG_COUNT(workloads) && !lg_str_eq(kind, lg_str_of(workloads[i].name)))
		i++;
	must(i < LG_COUNT(workloads) && w.n > 0 && w.n <= SIZE_MAX_OF_ONE, name);
	lg_jsonw_array(&w.e);
	lg_jsonw_array(&w.r);
	workloads[i].make(&w);
	lg_jsonw_array_end(&w.e);
	lg_jsonw_array_end(&w.r);
	lg_str dir = text(&w, "%s/%s", top, name);
	must(lg_dir_make(&w.cx, dir.p, 0755) == LG_OK, dir.p);
	save(&w, dir.p, "policies.cedar", &w.policies);
	save(&w, dir.p, "entities.json", &w.entities);
	save(&w, dir.p, "requests.json", &w.requests);
	lg_arena_free(&w.arena);
}

int
main(int argc, char **argv)
{
	must(argc > 2, "usage: policy_work DIR NAME-SIZE...");
	for (int i = 2; i < argc; i++)
		write_one(argv[1], argv[i]);
	return 0;
}
