/* number.c: the decimal, datetime and duration extensions as text.  All are an i64 inside. */
#include "policy/value.h"

#define MS_SECOND	INT64_C(1000)
#define MS_MINUTE	(60 * MS_SECOND)
#define MS_HOUR		(60 * MS_MINUTE)
#define MS_DAY		(24 * MS_HOUR)
#define DECIMAL_DIGITS	4

/* Digits off the front of s into an unsigned value; false without one or on overflow. */
static bool
take_digits(lg_str *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s->p[i] - '0'), &v))
			return false;
	*s = lg_str_sub(*s, i, s->n);
	*ret = v;
	return i > 0;
}

static bool
take(lg_str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = lg_str_sub(*s, 1, s->n);
	return true;
}

/* sign * v, where -2^63 is in reach. */
static bool
signed_of(bool negative, uint64_t v, int64_t *ret)
{
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

/* -?[0-9]+.[0-9]{1,4} */
bool
lg_decimal_parse(lg_str s, int64_t *ret)
{
	bool negative = take(&s, '-');
	uint64_t whole, part;
	size_t digits;

	if (!take_digits(&s, &whole) || !take(&s, '.'))
		return false;
	digits = s.n;
	if (digits > DECIMAL_DIGITS || !take_digits(&s, &part) || s.n != 0)
		return false;
	for (; digits < DECIMAL_DIGITS; digits++)
		part *= 10;
	return !__builtin_mul_overflow(whole, UINT64_C(10000), &whole) &&
	       !__builtin_add_overflow(whole, part, &whole) && signed_of(negative, whole, ret);
}

/* -?(Nd)?(Nh)?(Nm)?(Ns)?(Nms)?, at least one; each step within i64 (a negative one may reach its end). */
bool
lg_duration_parse(lg_str s, int64_t *ret)
{
	static const struct {
		lg_str unit;
		int64_t ms;
	} units[] = {
		{ LG_STR("d"), MS_DAY }, { LG_STR("h"), MS_HOUR }, { LG_STR("m"), MS_MINUTE }, { LG_STR("s"), MS_SECOND },
		{ LG_STR("ms"), 1 }
	};
	bool negative = take(&s, '-');
	int64_t sum = 0;
	size_t next = 0;

	if (s.n == 0)
		return false;
	while (s.n > 0) {
		uint64_t count;
		int64_t part;
		size_t n;

		if (!take_digits(&s, &count) || !signed_of(negative, count, &part))
			return false;
		for (n = 0; n < s.n && s.p[n] >= 'a' && s.p[n] <= 'z'; n++)
			;
		while (next < LG_COUNT(units) && !lg_str_eq(units[next].unit, lg_str_sub(s, 0, n)))
			next++;
		if (next == LG_COUNT(units) || __builtin_mul_overflow(part, units[next].ms, &part) ||
		    __builtin_add_overflow(sum, part, &sum))
			return false;
		next++;
		s = lg_str_sub(s, n, s.n);
	}
	*ret = sum;
	return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant's days_from_civil). */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t
month_days(int64_t y, int64_t m)
{
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[m - 1] + (m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0));
}

/* Exactly n digits. */
static bool
fixed(lg_str *s, size_t n, int64_t *ret)
{
	lg_str part = lg_str_sub(*s, 0, n);
	uint64_t v;

	if (part.n != n || !take_digits(&part, &v) || part.n != 0)
		return false;
	*s = lg_str_sub(*s, n, s->n);
	*ret = (int64_t)v;
	return true;
}

/* Z, or +hhmm / -hhmm, as milliseconds to subtract. */
static bool
zone_parse(lg_str s, int64_t *ret)
{
	bool west;
	int64_t h, m;

	*ret = 0;
	if (lg_str_eq(s, LG_STR("Z")))
		return true;
	west = take(&s, '-');
	if ((!west && !take(&s, '+')) || !fixed(&s, 2, &h) || !fixed(&s, 2, &m) || s.n != 0 || h > 23 || m > 59)
		return false;
	*ret = (west ? -1 : 1) * (h * MS_HOUR + m * MS_MINUTE);
	return true;
}

/* YYYY-MM-DD, or with Thh:mm:ss, an optional .SSS and a zone (Cedar RFC 80). */
bool
lg_datetime_parse(lg_str s, int64_t *ret)
{
	int64_t y, mo, d, h, mi, sec, ms = 0, zone, date;

	if (!fixed(&s, 4, &y) || !take(&s, '-') || !fixed(&s, 2, &mo) || !take(&s, '-') || !fixed(&s, 2, &d) ||
	    mo < 1 || mo > 12 || d < 1 || d > month_days(y, mo))
		return false;
	date = days_of(y, mo, d) * MS_DAY;
	if (s.n == 0) {
		*ret = date;
		return true;
	}
	if (!take(&s, 'T') || !fixed(&s, 2, &h) || !take(&s, ':') || !fixed(&s, 2, &mi) || !take(&s, ':') ||
	    !fixed(&s, 2, &sec) || h > 23 || mi > 59 || sec > 59)
		return false;
	if (take(&s, '.') && !fixed(&s, 3, &ms))
		return false;
	if (!zone_parse(s, &zone))
		return false;
	*ret = date + h * MS_HOUR + mi * MS_MINUTE + sec * MS_SECOND + ms - zone;
	return true;
}

lg_str
lg_decimal_text(struct lg_arena *a, int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	lg_str s = lg_print(a, "%s%llu.%04llu", v < 0 ? "-" : "", (unsigned long long)(u / 10000),
	    (unsigned long long)(u % 10000));

	while (s.p[s.n - 1] == '0' && s.p[s.n - 2] != '.')
		s.n--;
	return s;
}

lg_str
lg_duration_text(struct lg_arena *a, int64_t v)
{
	return lg_print(a, "%lldms", (long long)v);
}

/* The inverse of days_of (civil_from_days). */
lg_str
lg_datetime_text(struct lg_arena *a, int64_t v)
{
	int64_t day = v / MS_DAY - (v % MS_DAY < 0), t = v - day * MS_DAY;
	int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp + (mp < 10 ? 3 : -9), y = yoe + era * 400 + (m <= 2);

	return lg_print(a, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%03lldZ", (long long)y, (long long)m,
	    (long long)d, (long long)(t / MS_HOUR), (long long)(t / MS_MINUTE % 60), (long long)(t / MS_SECOND % 60),
	    (long long)(t % 1000));
}
