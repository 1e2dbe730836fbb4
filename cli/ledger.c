/* ledger.c: the proof that a certificate stands in the tenant's log, checked here, and that the log has only grown. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/merkle.h"
#include "lightgate/keeper.h"

#define ENTRY	(1 + 1 + 8 + 1 + 17 + 32)	/* octets of an entry: docs/api.md */
#define WITNESS_MAX (64u << 10)
#define PROOF_MAX (256u << 10)
#define SERIAL_AT 11
#define SHA_AT	28

struct head {
	int64_t size;
	lg_sha256 root;
};

static bool
digest(struct cli *c, lg_str hex, lg_sha256 *ret)
{
	lg_str octets;

	if (!lg_hex_parse(c->cx->arena, hex, &octets) || octets.n != sizeof ret->b)
		return false;
	memcpy(ret->b, octets.p, octets.n);
	return true;
}

static lg_err
read_head(struct cli *c, lg_str json, struct head *ret)
{
	if (!lg_int_parse(lg_api_raw(c->cx, json, "size"), &ret->size) || ret->size < 0 ||
	    !digest(c, lg_api_member(c->cx, json, "root"), &ret->root))
		return lg_fail(c->cx, LG_E_INVALID, "no head of a ledger: a size and a root");
	return LG_OK;
}

static lg_err
read_path(struct cli *c, lg_str json, lg_sha256 ret[LG_MERKLE_PATH], size_t *n)
{
	struct lg_json js;

	*n = 0;
	lg_json_init(&js, c->cx->arena, lg_api_raw(c->cx, json, "path"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str hex = lg_json_str(&js);
		if (*n == LG_MERKLE_PATH || !digest(c, hex, &ret[*n]))
			lg_json_fault(&js, "not a path of hashes");
		else
			++*n;
	}
	return lg_json_end(c->cx, &js);
}

/* ---- inclusion ------------------------------------------------------------------------------------------ */

/* What the entry must speak of: the certificate in hand, else the serial number alone. */
static lg_err
entry_fits(struct cli *c, lg_str octets, lg_str serial)
{
	lg_str text, der, wanted;
	lg_sha256 sha;

	if (octets.n != ENTRY || !lg_hex_parse(c->cx->arena, serial, &wanted) || !lg_str_eq(lg_str_sub(octets, SERIAL_AT, 17), wanted))
		return lg_fail(c->cx, LG_E_INVALID, "the service proved the entry of another certificate");
	if (!cli_given(c, "file"))
		return LG_OK;
	LG_TRY(cli_read_file(c, cli_value(c, "file"), &text));
	if (!lg_pem_parse(c->cx->arena, text, LG_STR("CERTIFICATE"), &der, NULL))
		return lg_fail(c->cx, LG_E_INVALID, "%.*s holds no certificate (PEM)", LG_FMT(cli_value(c, "file")));
	sha = lg_sha256_of(der);
	if (!lg_str_eq(lg_str_sub(octets, SHA_AT, 32), lg_sha256_str(&sha)))
		return lg_fail(c->cx, LG_E_INVALID, "the ledger holds another certificate under this serial number");
	return LG_OK;
}

static lg_err
check_item(struct cli *c, lg_str item, const struct head *head)
{
	lg_sha256 path[LG_MERKLE_PATH], leaf;
	lg_str octets;
	int64_t index;
	size_t n;

	if (!lg_base64_parse(c->cx->arena, lg_api_member(c->cx, item, "entry"), &octets) ||
	    !lg_int_parse(lg_api_raw(c->cx, item, "index"), &index) || index < 0)
		return lg_fail(c->cx, LG_E_INVALID, "a malformed proof");
	LG_TRY(entry_fits(c, octets, c->args[0]));
	LG_TRY(read_path(c, item, path, &n));
	leaf = lg_merkle_leaf(octets);
	if (!lg_merkle_included(&leaf, (uint64_t)index, (uint64_t)head->size, path, n, &head->root))
		return lg_fail(c->cx, LG_E_INVALID, "the proof does not lead to the root");
	cli_line(c, "%.*s: entry %lld of %lld is proved", LG_FMT(lg_api_member(c->cx, item, "kind")), (long long)index, (long long)head->size);
	return LG_OK;
}

/* ---- growth: a head kept from an earlier time ------------------------------------------------------------------ */

static lg_err
check_growth(struct cli *c, const char *path, const struct head *now)
{
	lg_sha256 hashes[LG_MERKLE_PATH];
	struct lg_reply answer;
	struct head before;
	lg_str text;
	size_t n;
	lg_err e = lg_file_read(c->cx, path, 4096, &text);

	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	LG_TRY(read_head(c, text, &before));
	if (before.size == 0)
		return LG_OK;
	if (before.size > now->size)
		return lg_fail(c->cx, LG_E_INVALID, "the ledger had %lld entries and has %lld", (long long)before.size, (long long)now->size);
	LG_TRY(cli_call(c, "GET", lg_print(c->cx->arena, "/v1/ledger/consistency?first=%lld&second=%lld", (long long)before.size,
	    (long long)now->size), LG_NONE, &answer));
	LG_TRY(read_path(c, answer.body, hashes, &n));
	if (!lg_merkle_consistent((uint64_t)before.size, &before.root, (uint64_t)now->size, &now->root, hashes, n))
		return lg_fail(c->cx, LG_E_INVALID, "the ledger is not the one whose head is in %s", path);
	cli_line(c, "it only grew, from %lld to %lld entries", (long long)before.size, (long long)now->size);
	return LG_OK;
}

static lg_err
keep_head(struct cli *c, const struct head *now)
{
	const char *path;

	if (!cli_given(c, "head"))
		return LG_OK;
	path = lg_dup(c->cx->arena, cli_value(c, "head")).p;
	LG_TRY(check_growth(c, path, now));
	lg_str hex = lg_hex(c->cx->arena, lg_sha256_str(&now->root));
	return lg_file_write(c->cx, path, 0644, lg_print(c->cx->arena, "{\"size\":%lld,\"root\":\"%.*s\"}\n", (long long)now->size, LG_FMT(hex)));
}

/* ---- a witness: heads that the keeper signed, compared from time to time ------------------------------------------------ */

static lg_err
read_signed(struct cli *c, lg_str answer, const struct lg_keyset *keys, struct lg_ledger_signed *ret)
{
	LG_TRY(lg_ledger_head_verify(c->cx, lg_api_raw(c->cx, answer, "head"), keys, ret));
	ret->domain = lg_dup(c->cx->arena, ret->domain);
	return LG_OK;
}

/* What `witness` keeps: a signed head, and the keys behind it. */
static lg_err
witness_keys(struct cli *c, const char *path, lg_str text, struct lg_keyset **ret)
{
	lg_str keys = lg_api_raw(c->cx, text, "jwks");

	if (keys.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "%s is no file of lightgate certificate witness", path);
	return lg_keyset_from_jwks(c->cx, keys, ret);
}

static lg_err
read_witness(struct cli *c, const char *path, struct lg_keyset **keys, lg_str *text, struct lg_ledger_signed *ret)
{
	LG_TRY(lg_file_read(c->cx, path, WITNESS_MAX, text));
	LG_TRY(witness_keys(c, path, *text, keys));
	return read_signed(c, *text, *keys, ret);
}

/* The keys are those that were first seen: another key is another keeper. */
static lg_err
compare(struct cli *c, const char *path, lg_str before, lg_str now)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_ledger_signed was, is;
	lg_sha256 hashes[LG_MERKLE_PATH];
	struct lg_reply answer;
	size_t n;

	LG_TRY(witness_keys(c, path, before, &keys));
	LG_TRY(read_signed(c, before, keys, &was));
	if (read_signed(c, now, keys, &is) != LG_OK)
		return lg_fail(c->cx, LG_E_UNAUTHENTICATED, "the head is not signed by the key in %s", path);
	if (!lg_str_eq(was.domain, is.domain) || is.epoch < was.epoch || is.time < was.time)
		return lg_fail(c->cx, LG_E_INVALID, "the head is another ledger's, or older than the one in %s", path);
	if (is.epoch > was.epoch)
		return lg_fail(c->cx, LG_E_INVALID, "the service was restored from a backup (epoch %u, now %u): compare the entries, then begin a new file",
		    was.epoch, is.epoch);
	if (was.size > is.size)
		return lg_fail(c->cx, LG_E_INVALID, "the ledger had %llu entries and has %llu", (unsigned long long)was.size, (unsigned long long)is.size);
	if (was.size > 0) {
		LG_TRY(cli_call(c, "GET", lg_print(c->cx->arena, "/ledger/consistency?first=%llu&second=%llu", (unsigned long long)was.size,
		    (unsigned long long)is.size), LG_NONE, &answer));
		LG_TRY(read_path(c, answer.body, hashes, &n));
		if (!lg_merkle_consistent(was.size, &was.root, is.size, &is.root, hashes, n))
			return lg_fail(c->cx, LG_E_INVALID, "the ledger is not the one whose head is in %s", path);
	}
	cli_line(c, "it only grew, from %llu to %llu entries", (unsigned long long)was.size, (unsigned long long)is.size);
	return LG_OK;
}

lg_err
cli_certificate_witness(struct cli *c)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	const char *path = lg_dup(c->cx->arena, c->args[0]).p;
	struct lg_ledger_signed now;
	struct lg_reply answer;
	lg_str before;
	lg_err e;

	LG_TRY(cli_call(c, "GET", LG_STR("/ledger"), LG_NONE, &answer));
	LG_TRY(lg_keyset_from_jwks(c->cx, lg_api_raw(c->cx, answer.body, "jwks"), &keys));
	LG_TRY(read_signed(c, answer.body, keys, &now));
	e = lg_file_read(c->cx, path, WITNESS_MAX, &before);
	if (e == LG_OK)
		LG_TRY(compare(c, path, before, answer.body));
	else if (e != LG_E_NOT_FOUND)
		return e;
	cli_line(c, "ledger of %.*s: %llu entries, signed %.*s", LG_FMT(now.domain), (unsigned long long)now.size,
	    LG_FMT(lg_time_text(c->cx->arena, now.time)));
	return lg_file_write(c->cx, path, 0644, answer.body);
}

/* ---- prove ----------------------------------------------------------------------------------------------------------------- */

static lg_err
check_items(struct cli *c, lg_str answer, const struct head *head)
{
	struct lg_json js;
	bool any = false;

	lg_json_init(&js, c->cx->arena, lg_api_raw(c->cx, answer, "items"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		any = true;
		LG_TRY(check_item(c, lg_json_raw(&js), head));
	}
	LG_TRY(lg_json_end(c->cx, &js));
	return any ? LG_OK : lg_fail(c->cx, LG_E_INVALID, "nothing is proved");
}

/* The proof with the head that it leads to: enough for whoever knows the keeper's key, without the service. */
static lg_err
write_proof(struct cli *c, lg_str witness, lg_str answer)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PROOF_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	if (!cli_given(c, "out"))
		return LG_OK;
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("head"));
	lg_jsonw_raw(&w, lg_api_raw(c->cx, witness, "head"));
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_raw(&w, lg_api_raw(c->cx, answer, "items"));
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	return lg_file_write(c->cx, lg_dup(c->cx->arena, cli_value(c, "out")).p, 0644, lg_buf_view(&b));
}

/* By a file of write_proof's alone, and a witness's: its keys must have signed the head, and two heads of one size are one. */
static lg_err
proof_of_file(struct cli *c, const struct lg_keyset *keys, const struct lg_ledger_signed *seen, lg_str *proof, struct lg_ledger_signed *ret)
{
	LG_TRY(lg_file_read(c->cx, lg_dup(c->cx->arena, cli_value(c, "proof")).p, PROOF_MAX, proof));
	LG_TRY(read_signed(c, *proof, keys, ret));
	if (!lg_str_eq(ret->domain, seen->domain) || ret->epoch != seen->epoch ||
	    (ret->size == seen->size && memcmp(ret->root.b, seen->root.b, sizeof seen->root.b) != 0))
		return lg_fail(c->cx, LG_E_INVALID, "the proof's head is another ledger's than the witness's");
	return LG_OK;
}

static lg_err
prove_by_witness(struct cli *c)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_reply answer = { .status = 0 };
	struct lg_ledger_signed is;
	lg_str witness;

	LG_TRY(read_witness(c, lg_dup(c->cx->arena, cli_value(c, "witness")).p, &keys, &witness, &is));
	if (cli_given(c, "proof"))
		LG_TRY(proof_of_file(c, keys, &is, &answer.body, &is));
	else
		LG_TRY(cli_call(c, "GET", lg_print(c->cx->arena, "/v1/ledger/proof?serial=%.*s&size=%llu", LG_FMT(c->args[0]),
		    (unsigned long long)is.size), LG_NONE, &answer));
	struct head head = { .size = (int64_t)is.size, .root = is.root };
	LG_TRY(check_items(c, answer.body, &head));
	cli_line(c, "by the head of %.*s that was signed %.*s", LG_FMT(is.domain), LG_FMT(lg_time_text(c->cx->arena, is.time)));
	return write_proof(c, witness, answer.body);
}

lg_err
cli_certificate_prove(struct cli *c)
{
	struct lg_reply answer;
	struct head head;

	if (cli_given(c, "witness"))
		return prove_by_witness(c);
	if (cli_given(c, "proof") || cli_given(c, "out"))
		return lg_fail(c->cx, LG_E_INVALID, "--proof and --out go with --witness");
	LG_TRY(cli_call(c, "GET", lg_print(c->cx->arena, "/v1/ledger/proof?serial=%.*s", LG_FMT(c->args[0])), LG_NONE, &answer));
	LG_TRY(read_head(c, answer.body, &head));
	LG_TRY(check_items(c, answer.body, &head));
	LG_TRY(keep_head(c, &head));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	return LG_OK;
}
