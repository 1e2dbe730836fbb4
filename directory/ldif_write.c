/* ldif_write.c: a line of LDIF: plain where it may be (RFC 2849 SAFE-STRING), otherwise in base64; folded. */
#include "base/text.h"
#include "directory/ldif.h"

static bool
is_safe(lg_str v)
{
	if (v.n == 0)
		return true;
	if (v.p[0] == ' ' || v.p[0] == ':' || v.p[0] == '<' || v.p[v.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] >= 0x80 || v.p[i] == '\0' || v.p[i] == '\n' || v.p[i] == '\r')
			return false;
	return true;
}

static void
put_folded(struct lg_buf *out, size_t used, lg_str text)
{
	size_t room = used < LG_LDIF_WIDTH ? LG_LDIF_WIDTH - used : 1;

	while (text.n > room) {
		lg_buf_str(out, lg_str_sub(text, 0, room));
		lg_buf_str(out, LG_STR("\n "));
		text = lg_str_sub(text, room, text.n);
		room = LG_LDIF_WIDTH - 1;
	}
	lg_buf_str(out, text);
	lg_buf_byte(out, '\n');
}

void
lg_ldif_put(struct lg_buf *out, lg_str name, lg_str value)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = NULL;
	bool safe = is_safe(value);
	lg_str mark = safe ? LG_STR(": ") : LG_STR(":: ");

	if (!safe) {
		a = lg_arena_new();
		value = lg_base64(a, value);
	}
	lg_buf_str(out, name);
	lg_buf_str(out, value.n == 0 ? LG_STR(":") : mark);
	put_folded(out, name.n + mark.n, value);
}
