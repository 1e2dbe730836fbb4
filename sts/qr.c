/* qr.c: text as a QR code that stands in a page itself: no picture has to be fetched, so no policy has to allow one.  Wraps libqrencode. */
#include "sts/factor.h"

#include <qrencode.h>

#include "base/text.h"

#define QUIET	4	/* modules around it: ISO/IEC 18004 */
#define SVG_MAX	(256u << 10)

static void
qr_free(QRcode **q)
{
	QRcode_free(*q);
}

lg_err
sts_qr_svg(struct lg_ctx *cx, lg_str text, lg_str label, lg_str *ret)
{
	LG_AUTO(qr_free) QRcode *q = QRcode_encodeData((int)text.n, (const unsigned char *)text.p, 0, QR_ECLEVEL_M);
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(SVG_MAX);

	if (q == NULL)
		return lg_fail(cx, LG_E_LIMIT, "%zu octets do not fit into a QR code", text.n);
	lg_buf_printf(&b, "<svg class=\"qr\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", q->width + 2 * QUIET, q->width + 2 * QUIET);
	lg_buf_html(&b, label);
	lg_buf_str(&b, LG_STR("\"><path d=\""));
	for (int y = 0; y < q->width; y++)
		for (int x = 0; x < q->width; x++)
			if ((q->data[y * q->width + x] & 1) != 0)
				lg_buf_printf(&b, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
	lg_buf_str(&b, LG_STR("\"/></svg>"));
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}
