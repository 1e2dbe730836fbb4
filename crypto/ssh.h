/* ssh.h: keys, signatures and lines as OpenSSH writes them. */
#ifndef LG_CRYPTO_SSH_H
#define LG_CRYPTO_SSH_H

#include "crypto/key.h"

#define LG_SSH_LINE	4096		/* characters of a key's base64 */
#define LG_SSH_CERT_MAX	8192		/* octets of a certificate */

enum lg_ssh_cert { LG_SSH_USER = 1, LG_SSH_HOST = 2 };	/* as it stands in the certificate */

lg_str lg_ssh_name(enum lg_kind kind, bool cert);	/* "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com" */
void lg_ssh_put_key(struct lg_buf *b, const struct lg_pubkey_parts *p);		/* the whole blob */
void lg_ssh_put_key_fields(struct lg_buf *b, const struct lg_pubkey_parts *p);	/* without its name */
bool lg_ssh_take_key_fields(struct lg_rd *rd, lg_str cert_name, struct lg_pubkey_parts *ret);	/* name: that of a certificate */
/* A key's blob as SubjectPublicKeyInfo, in cx's arena. */
LG_CHECKED lg_err lg_ssh_key_parse(struct lg_ctx *cx, lg_str blob, lg_str *spki);
LG_CHECKED lg_err lg_ssh_line_parse(struct lg_ctx *cx, lg_str line, lg_str *blob);
lg_str lg_ssh_line(struct lg_arena *a, lg_str blob, lg_str comment);		/* with a line end */
/* jose: r and s, or the octets of the signature. */
void lg_ssh_put_signature(struct lg_buf *b, enum lg_kind kind, lg_str jose);

#endif
