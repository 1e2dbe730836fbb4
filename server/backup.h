/*
 * backup.h: the format of a backup: files, one after the other, cut into chunks that are sealed under a key of the backup's own.
 *
 *	backup  = "LGBKUP01", salt 32, chunk...		file key = HKDF(recovery key, the header, "lightgate backup")
 *	chunk   = u32 length | LG_BACKUP_LAST, sealed	additional data: u64 chunk's number, u8 last
 *	content = { str32 name, u64 size, octets }, str32 ""
 *
 * A chunk that is missing, moved, cut or from another backup does not open, and neither does what follows it; a backup
 * without its last chunk is not whole.
 */
#ifndef LG_SERVER_BACKUP_H
#define LG_SERVER_BACKUP_H

#include "lightgate/crypto.h"

#define LG_BACKUP_KEY		32		/* octets of a recovery key; 43 characters of base64url */
#define LG_BACKUP_HEADER	40
#define LG_BACKUP_CHUNK		(64u << 10)	/* octets of content in a chunk */
#define LG_BACKUP_LAST		0x80000000u
#define LG_BACKUP_FILES		65536		/* of one backup */
#define LG_BACKUP_NAME		64		/* octets of a file's name in it: "store/data.mdb" */

/* base64url of LG_BACKUP_KEY octets. */
LG_CHECKED lg_err lg_backup_key(struct lg_ctx *cx, lg_str text, struct lg_secret *ret);

/* ---- making one ------------------------------------------------------------------------------------------- */

struct lg_backup_file {
	lg_str name;			/* in the backup */
	int fd;				/* of a file that is open already; -1: opened by its name, below the working directory */
};

struct lg_backup_out {
	struct lg_secret key;
	uint64_t chunk;
	const struct lg_backup_file *file;	/* must outlive it */
	size_t nfiles, at;
	int fd;				/* of the file that is being read; -1: between two */
	uint64_t left;			/* of it */
	struct lg_buf plain;		/* not yet sealed */
	bool ended;
};

/* Writes the header. */
void lg_backup_begin(struct lg_backup_out *b, const struct lg_secret *recovery, const struct lg_backup_file *file, size_t n, struct lg_buf *out);
/* Appends the next chunk; ended says that it was the last.  Reads files: not on a loop. */
LG_CHECKED lg_err lg_backup_next(struct lg_ctx *cx, struct lg_backup_out *b, struct lg_buf *out);
void lg_backup_end(struct lg_backup_out *b);	/* wipes the key, closes what is open */

/* ---- taking one apart ---------------------------------------------------------------------------------------- */

/* `begin` opens a file of that name and size for writing (the descriptor is closed by the reader, after fsync), or refuses it. */
typedef lg_err lg_backup_file_begin(void *arg, struct lg_ctx *cx, lg_str name, uint64_t size, int *fd);
/* The whole backup from a descriptor.  LG_E_UNAUTHENTICATED: another key; LG_E_CORRUPT: it is damaged or not whole. */
LG_CHECKED lg_err lg_backup_read(struct lg_ctx *cx, int from, const struct lg_secret *recovery, lg_backup_file_begin *begin, void *arg);

#endif
