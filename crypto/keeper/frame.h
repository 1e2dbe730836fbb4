/*
 * frame.h: what travels between the server and the keeper.
 *
 * A frame is u32 length of what follows, u32 id, u8 operation (in a reply: lg_err), body.  Bodies are typed
 * fields in a fixed order; nothing in them is text to be parsed but what is text.
 */
#ifndef LG_KEEPER_FRAME_H
#define LG_KEEPER_FRAME_H

#include "lightgate/keeper.h"

enum lg_op {
	LG_OP_TOKEN = 1, LG_OP_CERTIFICATE, LG_OP_CRL, LG_OP_OCSP, LG_OP_BUNDLE, LG_OP_HEAD, LG_OP_MARK,
	LG_OP_WRAP_NEW, LG_OP_UNWRAP, LG_OP_KEYS, LG_OP_SUCCESSOR, LG_OP_ACTIVATE,
	LG_OP_CREATE_TENANT, LG_OP_SET_CEILING, LG_OP_NEW_EPOCH, LG_OP_SIGNED, LG_OP_SIGNED_LOG, LG_OP_TENANTS, LG_OP_SSH,
	LG_OP_CA_NEW, LG_OP_CA_IMPORT, LG_OP_CA_MOVE, LG_OP_RESPONDERS, LG_OP_SET_OCSP, LG_OP_LEDGER, LG_OP_LEDGER_MARK,
	LG_OPS
};

struct lg_frame {
	uint32_t id;
	uint8_t op;
	lg_str body;
};

enum lg_frame_got { LG_FRAME_NONE, LG_FRAME_ONE, LG_FRAME_BAD };

/* Takes one frame off the front of *in; its body is a slice.  BAD: longer than max, or too short to be one. */
enum lg_frame_got lg_frame_next(lg_str *in, size_t max, struct lg_frame *ret);
size_t lg_frame_begin(struct lg_buf *b, uint32_t id, uint8_t op);
void lg_frame_end(struct lg_buf *b, size_t begun);

#define LG_CRL_FIRST	1		/* flags of a part of a CRL */
#define LG_CRL_LAST	2
#define LG_CRL_PART	(32u << 10)

void lg_put_token_request(struct lg_buf *b, const struct lg_token_request *rq);
bool lg_get_token_request(struct lg_rd *rd, struct lg_token_request *ret);
void lg_put_bundle_request(struct lg_buf *b, const struct lg_bundle_request *rq);
bool lg_get_bundle_request(struct lg_rd *rd, struct lg_bundle_request *ret);
void lg_put_ceiling(struct lg_buf *b, const struct lg_ceiling *c);
bool lg_get_ceiling(struct lg_rd *rd, bool nets, struct lg_ceiling *ret);	/* nets: as written since they are in it */
void lg_put_keeper_key(struct lg_buf *b, const struct lg_keeper_key *k);
bool lg_get_keeper_key(struct lg_rd *rd, struct lg_keeper_key *ret);
void lg_put_keeper_tenant(struct lg_buf *b, const struct lg_keeper_tenant *t);
bool lg_get_keeper_tenant(struct lg_rd *rd, struct lg_keeper_tenant *ret);

#endif
