/* timetext.c: times as text, and the proleptic Gregorian calendar beneath them. */
#include "base/text.h"

#include <stdio.h>

#include "base/clock.h"

#define YEAR_0000	(INT64_C(-62167219200) * LG_SECOND)
#define YEAR_9999_END	(INT64_C(253402300800) * LG_SECOND - 1)

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND };

/* Days since 1970-01-01.  Years begin in March, so that the leap day is the last of its year; eras are 400 years. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void
date_of(int64_t days, int ymd[3])
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	ymd[2] = (int)(doy - (153 * mp + 2) / 5 + 1);
	ymd[1] = (int)(mp < 10 ? mp + 3 : mp - 9);
	ymd[0] = (int)(yoe + era * 400 + (ymd[1] <= 2));
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

bool
lg_time_of(const int t[6], int64_t *ret)
{
	if (t[YEAR] < 0 || t[YEAR] > 9999 || t[MONTH] < 1 || t[MONTH] > 12)
		return false;
	if (t[DAY] < 1 || t[DAY] > days_in(t[YEAR], t[MONTH]))
		return false;
	if (t[HOUR] < 0 || t[HOUR] > 23 || t[MINUTE] < 0 || t[MINUTE] > 59 ||
	    t[SECOND] < 0 || t[SECOND] > 60)
		return false;
	int64_t seconds = days_of(t[YEAR], t[MONTH], t[DAY]) * 86400 + t[HOUR] * 3600 +
	    t[MINUTE] * 60 + t[SECOND];
	*ret = seconds * LG_SECOND;
	return true;
}

static int64_t
clamp(int64_t us)
{
	return us < YEAR_0000 ? YEAR_0000 : us > YEAR_9999_END ? YEAR_9999_END : us;
}

static int64_t
floor_mod(int64_t v, int64_t by)
{
	int64_t m = v % by;

	return m < 0 ? m + by : m;
}

void
lg_time_split(int64_t us, int t[6])
{
	us = clamp(us);
	int64_t of_day = floor_mod(us, LG_DAY);

	date_of((us - of_day) / LG_DAY, t);
	t[HOUR] = (int)(of_day / LG_HOUR);
	t[MINUTE] = (int)(of_day / LG_MINUTE % 60);
	t[SECOND] = (int)(of_day / LG_SECOND % 60);
}

/* Two digits a step: snprintf would cost more than the rest of a log record. */
static char *
put2(char *p, int v, char after)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
	p[2] = after;
	return p + 3;
}

void
lg_time_put(int64_t us, char ret[LG_TIME_TEXT + 1])
{
	int t[6];
	int fraction = (int)floor_mod(clamp(us), LG_SECOND);

	lg_time_split(us, t);
	char *p = put2(ret, t[YEAR] / 100, 0) - 1;
	p = put2(p, t[YEAR] % 100, '-');
	p = put2(p, t[MONTH], '-');
	p = put2(p, t[DAY], 'T');
	p = put2(p, t[HOUR], ':');
	p = put2(p, t[MINUTE], ':');
	p = put2(p, t[SECOND], '.');
	p = put2(p, fraction / 10000, 0) - 1;
	p = put2(p, fraction / 100 % 100, 0) - 1;
	p = put2(p, fraction % 100, 'Z');
	*p = '\0';
}

lg_str
lg_time_text(struct lg_arena *a, int64_t us)
{
	char *p = lg_alloc(a, LG_TIME_TEXT + 1);

	lg_time_put(us, p);
	return (lg_str){ p, LG_TIME_TEXT };
}

lg_str
lg_time_generalized(struct lg_arena *a, int64_t us)
{
	int t[6];

	lg_time_split(us, t);
	return lg_print(a, "%04d%02d%02d%02d%02d%02dZ", t[YEAR], t[MONTH], t[DAY], t[HOUR], t[MINUTE],
	    t[SECOND]);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool
take_digits(lg_str *s, size_t n, int *ret)
{
	int v = 0;

	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*ret = v;
	*s = lg_str_sub(*s, n, s->n);
	return true;
}

static bool
take_byte(lg_str *s, const char *any)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(any, s->p[0]) == NULL)
		return false;
	*s = lg_str_sub(*s, 1, s->n);
	return true;
}

/* The digits after a point or comma, as a share of `unit` microseconds; finer ones are cut off. */
static bool
take_fraction(lg_str *s, int64_t unit, int64_t *ret)
{
	int64_t v = 0, scale = 1;
	size_t n = 0;

	for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
		if (scale >= INT64_C(1000000000))
			continue;
		v = v * 10 + (s->p[n] - '0');
		scale *= 10;
	}
	if (n == 0)
		return false;
	*ret = v * unit / scale;	/* below 1e9 times 3.6e9 */
	*s = lg_str_sub(*s, n, s->n);
	return true;
}

/* "Z", or the distance east of UTC; minutes may be left out where RFC 4517 allows that (colon = ""). */
static bool
take_zone(lg_str *s, const char *colon, int64_t *ret)
{
	int hours, minutes = 0;

	*ret = 0;
	if (take_byte(s, "Zz"))
		return true;
	bool west = s->n > 0 && s->p[0] == '-';
	if (!take_byte(s, "+-") || !take_digits(s, 2, &hours) || hours > 23)
		return false;
	bool short_form = *colon == '\0' && s->n == 0;
	if (*colon != '\0' && !take_byte(s, colon))
		return false;
	if (!short_form && (!take_digits(s, 2, &minutes) || minutes > 59))
		return false;
	*ret = (hours * LG_HOUR + minutes * LG_MINUTE) * (west ? -1 : 1);
	return true;
}

bool
lg_time_parse(lg_str s, int64_t *ret)
{
	int t[6];
	int64_t us, fraction = 0, zone;

	if (!take_digits(&s, 4, &t[YEAR]) || !take_byte(&s, "-") ||
	    !take_digits(&s, 2, &t[MONTH]) || !take_byte(&s, "-") ||
	    !take_digits(&s, 2, &t[DAY]) || !take_byte(&s, "Tt") ||
	    !take_digits(&s, 2, &t[HOUR]) || !take_byte(&s, ":") ||
	    !take_digits(&s, 2, &t[MINUTE]) || !take_byte(&s, ":") ||
	    !take_digits(&s, 2, &t[SECOND]))
		return false;
	if (take_byte(&s, ".") && !take_fraction(&s, LG_SECOND, &fraction))
		return false;
	if (!take_zone(&s, ":", &zone) || s.n > 0 || !lg_time_of(t, &us))
		return false;
	*ret = us + fraction - zone;
	return true;
}

/* RFC 4517 3.3.13: minutes and seconds may be missing; a fraction belongs to the last unit given. */
bool
lg_time_generalized_parse(lg_str s, int64_t *ret)
{
	static const int64_t units[] = { [HOUR] = LG_HOUR, [MINUTE] = LG_MINUTE, [SECOND] = LG_SECOND };
	int t[6] = { 0 };
	int64_t us, fraction = 0, zone;
	int last = HOUR;

	if (!take_digits(&s, 4, &t[YEAR]) || !take_digits(&s, 2, &t[MONTH]) ||
	    !take_digits(&s, 2, &t[DAY]) || !take_digits(&s, 2, &t[HOUR]))
		return false;
	while (last < SECOND && take_digits(&s, 2, &t[last + 1]))
		last++;
	if (take_byte(&s, ".,") && !take_fraction(&s, units[last], &fraction))
		return false;
	if (!take_zone(&s, "", &zone) || s.n > 0 || !lg_time_of(t, &us))
		return false;
	*ret = us + fraction - zone;
	return true;
}
