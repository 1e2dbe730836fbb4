/*
 * base.h: what every layer speaks: slices, errors, the request context, arenas and buffers.
 * JSON, YAML, text encodings, clocks and logging have headers of their own in base/.
 */
#ifndef LIGHTGATE_BASE_H
#define LIGHTGATE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LG_CHECKED	__attribute__((warn_unused_result))
#define LG_PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define LG_AUTO(end)	__attribute__((cleanup(end)))
#define LG_COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- slices: pointer and length, never assumed to end in NUL, never owning ------------------ */

typedef struct {
	const char *p;
	size_t n;
} lg_str;

#define LG_STR(s)	((lg_str){ (s), sizeof(s) - 1 })
#define LG_FMT(s)	(int)(s).n, (s).p		/* for "%.*s" */
#define LG_NONE		((lg_str){ NULL, 0 })

static inline lg_str
lg_str_of(const char *s)
{
	return (lg_str){ s, s == NULL ? 0 : strlen(s) };
}

static inline bool
lg_str_eq(lg_str a, lg_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int lg_str_cmp(lg_str a, lg_str b);		/* byte order, shorter first on a tie */
bool lg_str_eq_fold(lg_str a, lg_str b);	/* ASCII letters without case */
bool lg_str_starts(lg_str s, lg_str prefix);
bool lg_str_ends(lg_str s, lg_str suffix);
lg_str lg_str_sub(lg_str s, size_t from, size_t n);	/* clamped to s */
lg_str lg_str_trim(lg_str s);			/* without ASCII blanks at both ends */
/* Splits at the first `sep`: true and both halves, or false with *head = s and *tail empty. */
bool lg_str_cut(lg_str s, char sep, lg_str *head, lg_str *tail);

/* ---- errors: the code is for the program, the sentence in the context for the operator ------ */

typedef enum {
	LG_OK = 0,
	LG_PENDING,		/* not an error: the answer comes through the callback that was given */
	LG_E_INVALID,		/* malformed or senseless input */
	LG_E_NOT_FOUND,
	LG_E_EXISTS,
	LG_E_UNAUTHENTICATED,	/* we do not know who asks */
	LG_E_DENIED,		/* we know, and the answer is no */
	LG_E_CONFLICT,		/* the state does not allow it */
	LG_E_RETRY,		/* what was read has changed meanwhile; do it again */
	LG_E_LIMIT,		/* a stated limit was exceeded */
	LG_E_BUSY,		/* a queue is full; come back later */
	LG_E_UNAVAILABLE,	/* something we depend on does not answer */
	LG_E_EXPIRED,
	LG_E_UNSUPPORTED,
	LG_E_FULL,		/* store or disk is full */
	LG_E_IO,
	LG_E_CORRUPT,		/* stored data does not decode or its chain does not match */
	LG_E_INTERNAL		/* our own mistake, found at run time */
} lg_err;

const char *lg_err_name(lg_err e);		/* "invalid", "not_found", ...: stable, for logs and JSON */

/* ---- 128-bit ids ---------------------------------------------------------------------------- */

typedef struct {
	uint8_t b[16];
} lg_uuid;

#define LG_UUID_TEXT 36

static inline bool
lg_uuid_eq(lg_uuid a, lg_uuid b)
{
	return memcmp(a.b, b.b, 16) == 0;
}

bool lg_uuid_is_nil(lg_uuid u);
lg_uuid lg_uuid_new(void);			/* RFC 9562 version 4, from getrandom(2) */
/* Version 7: ids of one time (microseconds, not before 1970) are neighbours in the store, so that what is made together is written
 * together.  For what may tell its age. */
lg_uuid lg_uuid_ordered(int64_t now);
void lg_uuid_text(lg_uuid u, char ret[LG_UUID_TEXT + 1]);	/* lower case */
bool lg_uuid_parse(lg_str s, lg_uuid *ret);	/* any case; exactly 36 characters */

/* ---- arenas: everything of one lifetime, freed at once ---------------------------------------
 * Allocation never returns NULL: what a client can make grow is bounded where it is parsed, and a
 * process that is out of memory all the same aborts and is restarted by its parent.
 */

struct lg_arena;

struct lg_arena *lg_arena_new(void);
void lg_arena_reset(struct lg_arena *a);	/* wipes and keeps a small part for reuse */
void lg_arena_free(struct lg_arena **a);	/* wipes; safe on NULL */
size_t lg_arena_used(const struct lg_arena *a);
void *lg_alloc(struct lg_arena *a, size_t n);	/* zeroed, aligned to 16 */
void *lg_alloc_array(struct lg_arena *a, size_t count, size_t size);	/* overflow aborts */
#define LG_NEW(a, type)		((type *)lg_alloc((a), sizeof(type)))
#define LG_NEWS(a, type, n)	((type *)lg_alloc_array((a), (n), sizeof(type)))
lg_str lg_dup(struct lg_arena *a, lg_str s);	/* the copy is followed by a NUL that is not counted */
lg_str lg_print(struct lg_arena *a, const char *fmt, ...) LG_PRINTF(2, 3);
lg_str lg_vprint(struct lg_arena *a, const char *fmt, va_list ap);
lg_str lg_cat(struct lg_arena *a, lg_str x, lg_str y);

/* ---- who acts, and the context of one request ------------------------------------------------ */

enum lg_actor_kind {
	LG_ACTOR_ANONYMOUS = 0,
	LG_ACTOR_ENTRY,		/* somebody with a directory entry */
	LG_ACTOR_SYSTEM,	/* the service itself: first start, rotation, expiry */
	LG_ACTOR_RECOVER	/* the break-glass door */
};

struct lg_actor {
	enum lg_actor_kind kind;
	uint32_t tenant;	/* 0 only for SYSTEM and RECOVER acting on the whole service */
	lg_uuid id;		/* entryUUID */
	lg_str type;		/* Cedar type without namespace: "User", "Host", "Service" */
	lg_str name;		/* for people: the entry's name as it was then */
	lg_str address;		/* where the request came from: "10.0.0.7:4711", "uid=0 pid=12" */
};

#define LG_ERROR_TEXT 480

/* One per request and thread.  Brings the arena, time, the actor and the error sentence; nothing else. */
struct lg_ctx {
	struct lg_arena *arena;
	int64_t now;			/* wall clock, microseconds since 1970, read once per request */
	const struct lg_actor *actor;	/* never NULL; &lg_anonymous at first */
	char error[LG_ERROR_TEXT];	/* set by lg_fail, empty otherwise */
};

extern const struct lg_actor lg_anonymous;
extern const struct lg_actor lg_system;

void lg_ctx_init(struct lg_ctx *cx, struct lg_arena *arena);	/* reads the clock, actor anonymous */

/* Records the sentence and returns the code.  The sentence never holds a secret. */
lg_err lg_fail(struct lg_ctx *cx, lg_err e, const char *fmt, ...) LG_PRINTF(3, 4);
/* Puts "what: " before the sentence that is there, and returns e. */
lg_err lg_fail_in(struct lg_ctx *cx, lg_err e, const char *what);

#define LG_TRY(call) \
	do { \
		lg_err lg_try_e = (call); \
		if (lg_try_e != LG_OK) \
			return lg_try_e; \
	} while (0)

/* Refuses an embedded NUL; the result lives in cx's arena. */
LG_CHECKED lg_err lg_cstr(struct lg_ctx *cx, lg_str s, const char **ret);

/* ---- buffers: bytes that grow up to a maximum ------------------------------------------------
 * A buffer that would pass its maximum remembers it and stays as it was: write freely, ask once
 * with lg_buf_status.  Memory is the heap's, so that a long-lived buffer (a connection's) can shrink.
 */

struct lg_buf {
	char *p;
	size_t n;		/* used */
	size_t size;		/* allocated */
	size_t max;
	bool full;
};

#define LG_BUF(max_)	((struct lg_buf){ NULL, 0, 0, (max_), false })

void lg_buf_free(struct lg_buf *b);		/* safe on a zeroed one */
void lg_buf_wipe(struct lg_buf *b);		/* zeroes the contents, then frees */
void lg_buf_clear(struct lg_buf *b);		/* empty, not full; memory kept */
bool lg_buf_grow(struct lg_buf *b, size_t more);		/* lg_buf_reserve, when there is no room yet */

/* Room for `more`, or marks it full.  Here, as lg_buf_byte is: what is written byte by byte would mostly be calls. */
static inline bool
lg_buf_reserve(struct lg_buf *b, size_t more)
{
	return (!b->full && more <= b->max - b->n && more <= b->size - b->n) || lg_buf_grow(b, more);
}

static inline void
lg_buf_byte(struct lg_buf *b, char c)
{
	if (lg_buf_reserve(b, 1))
		b->p[b->n++] = c;
}

void lg_buf_bytes(struct lg_buf *b, const void *p, size_t n);
void lg_buf_str(struct lg_buf *b, lg_str s);
void lg_buf_u16(struct lg_buf *b, uint16_t v);	/* big-endian, as all integers on disk and wire */
void lg_buf_u32(struct lg_buf *b, uint32_t v);
void lg_buf_u64(struct lg_buf *b, uint64_t v);
void lg_buf_varint(struct lg_buf *b, uint64_t v);	/* seven bits an octet, the lowest first; the top bit says that more follow */
size_t lg_varint_size(uint64_t v);		/* octets of it */
void lg_buf_varstr(struct lg_buf *b, lg_str s);		/* its length so, then its octets */
void lg_buf_printf(struct lg_buf *b, const char *fmt, ...) LG_PRINTF(2, 3);
void lg_buf_drop(struct lg_buf *b, size_t n);	/* takes n bytes off the front */
LG_CHECKED lg_err lg_buf_status(struct lg_ctx *cx, const struct lg_buf *b);	/* LG_E_LIMIT when full */

static inline lg_str
lg_buf_view(const struct lg_buf *b)
{
	return (lg_str){ b->p, b->n };
}

/* ---- reading bytes: a cursor that remembers that it ran out ---------------------------------- */

struct lg_rd {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;		/* something was missing; every later read gives 0 or an empty slice */
};

struct lg_rd lg_rd_of(lg_str s);
uint8_t lg_rd_u8(struct lg_rd *r);
uint16_t lg_rd_u16(struct lg_rd *r);
uint32_t lg_rd_u32(struct lg_rd *r);
uint64_t lg_rd_u64(struct lg_rd *r);
lg_str lg_rd_bytes(struct lg_rd *r, size_t n);
lg_str lg_rd_str32(struct lg_rd *r);		/* u32 length, bytes; lg_buf_str32 writes it */
void lg_buf_str32(struct lg_buf *b, lg_str s);
void lg_rd_fixed(struct lg_rd *r, void *ret, size_t n);	/* n octets; *ret is untouched when they are missing */
uint64_t lg_rd_varint_long(struct lg_rd *r);	/* for lg_rd_varint: of any length */
static inline uint64_t
lg_rd_varint(struct lg_rd *r)			/* over 64 bits: bad */
{
	if (!r->bad && r->p < r->end && *r->p < 0x80)
		return *r->p++;
	return lg_rd_varint_long(r);
}
static inline lg_str
lg_rd_varstr(struct lg_rd *r)
{
	return lg_rd_bytes(r, lg_rd_varint(r));
}
lg_uuid lg_rd_uuid(struct lg_rd *r);		/* 16 octets; nil when they are missing */
void lg_buf_uuid(struct lg_buf *b, lg_uuid u);
static inline bool
lg_rd_done(const struct lg_rd *r)		/* everything read, nothing missing */
{
	return !r->bad && r->p == r->end;
}

#endif
