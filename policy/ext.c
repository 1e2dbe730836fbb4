/* ext.c: the functions and methods of the four extension types, one row each. */
#include "policy/ast.h"

#define MS_DAY INT64_C(86400000)

#define EXT(name_)	static const char * \
name_(struct lg_ctx *cx __attribute__((unused)), const struct lg_value *args, struct lg_value *ret)

EXT(make_ip)
{
	struct lg_ip ip, *kept;

	if (!lg_ip_parse(args[0].u.s, &ip))
		return "not a valid IP address";
	kept = LG_NEW(cx->arena, struct lg_ip);
	*kept = ip;
	*ret = (struct lg_value){ LG_V_IP, { .ip = kept } };
	return NULL;
}

EXT(make_decimal)
{
	ret->kind = LG_V_DECIMAL;
	return lg_decimal_parse(args[0].u.s, &ret->u.i) ? NULL : "not a valid decimal";
}

EXT(make_datetime)
{
	ret->kind = LG_V_DATETIME;
	return lg_datetime_parse(args[0].u.s, &ret->u.i) ? NULL : "not a valid datetime";
}

EXT(make_duration)
{
	ret->kind = LG_V_DURATION;
	return lg_duration_parse(args[0].u.s, &ret->u.i) ? NULL : "not a valid duration";
}

EXT(is_ipv4)
{
	*ret = lg_value_bool(!args[0].u.ip->v6);
	return NULL;
}

EXT(is_ipv6)
{
	*ret = lg_value_bool(args[0].u.ip->v6);
	return NULL;
}

EXT(is_loopback)
{
	*ret = lg_value_bool(lg_ip_is_loopback(args[0].u.ip));
	return NULL;
}

EXT(is_multicast)
{
	*ret = lg_value_bool(lg_ip_is_multicast(args[0].u.ip));
	return NULL;
}

EXT(is_in_range)
{
	*ret = lg_value_bool(lg_ip_in_range(args[0].u.ip, args[1].u.ip));
	return NULL;
}

EXT(less_than)
{
	*ret = lg_value_bool(args[0].u.i < args[1].u.i);
	return NULL;
}

EXT(less_or_equal)
{
	*ret = lg_value_bool(args[0].u.i <= args[1].u.i);
	return NULL;
}

EXT(greater_than)
{
	*ret = lg_value_bool(args[0].u.i > args[1].u.i);
	return NULL;
}

EXT(greater_or_equal)
{
	*ret = lg_value_bool(args[0].u.i >= args[1].u.i);
	return NULL;
}

EXT(offset)
{
	ret->kind = LG_V_DATETIME;
	return __builtin_add_overflow(args[0].u.i, args[1].u.i, &ret->u.i) ? "overflows" : NULL;
}

EXT(duration_since)
{
	ret->kind = LG_V_DURATION;
	return __builtin_sub_overflow(args[0].u.i, args[1].u.i, &ret->u.i) ? "overflows" : NULL;
}

/* Towards the past, before 1970 too. */
static int64_t
day_of(int64_t ms)
{
	return ms / MS_DAY - (ms % MS_DAY < 0);
}

EXT(to_date)
{
	ret->kind = LG_V_DATETIME;
	return __builtin_mul_overflow(day_of(args[0].u.i), MS_DAY, &ret->u.i) ? "overflows" : NULL;
}

EXT(to_time)
{
	int64_t rest = args[0].u.i % MS_DAY;

	*ret = (struct lg_value){ LG_V_DURATION, { .i = rest < 0 ? rest + MS_DAY : rest } };
	return NULL;
}

EXT(to_milliseconds)
{
	*ret = lg_value_long(args[0].u.i);
	return NULL;
}

EXT(to_seconds)
{
	*ret = lg_value_long(args[0].u.i / 1000);
	return NULL;
}

EXT(to_minutes)
{
	*ret = lg_value_long(args[0].u.i / 60000);
	return NULL;
}

EXT(to_hours)
{
	*ret = lg_value_long(args[0].u.i / 3600000);
	return NULL;
}

EXT(to_days)
{
	*ret = lg_value_long(args[0].u.i / MS_DAY);
	return NULL;
}

#define MAKE(n, kind, fn)	{ LG_STR(n), false, true, 1, { LG_V_STRING }, kind, fn }
#define ON(n, kind, result, fn)	{ LG_STR(n), true, false, 1, { kind }, result, fn }
#define ON2(n, kind, arg, result, fn)	{ LG_STR(n), true, false, 2, { kind, arg }, result, fn }

static const struct lg_ext functions[] = {
	MAKE("ip", LG_V_IP, make_ip),
	MAKE("decimal", LG_V_DECIMAL, make_decimal),
	MAKE("datetime", LG_V_DATETIME, make_datetime),
	MAKE("duration", LG_V_DURATION, make_duration),
	ON("isIpv4", LG_V_IP, LG_V_BOOL, is_ipv4),
	ON("isIpv6", LG_V_IP, LG_V_BOOL, is_ipv6),
	ON("isLoopback", LG_V_IP, LG_V_BOOL, is_loopback),
	ON("isMulticast", LG_V_IP, LG_V_BOOL, is_multicast),
	ON2("isInRange", LG_V_IP, LG_V_IP, LG_V_BOOL, is_in_range),
	ON2("lessThan", LG_V_DECIMAL, LG_V_DECIMAL, LG_V_BOOL, less_than),
	ON2("lessThanOrEqual", LG_V_DECIMAL, LG_V_DECIMAL, LG_V_BOOL, less_or_equal),
	ON2("greaterThan", LG_V_DECIMAL, LG_V_DECIMAL, LG_V_BOOL, greater_than),
	ON2("greaterThanOrEqual", LG_V_DECIMAL, LG_V_DECIMAL, LG_V_BOOL, greater_or_equal),
	ON2("offset", LG_V_DATETIME, LG_V_DURATION, LG_V_DATETIME, offset),
	ON2("durationSince", LG_V_DATETIME, LG_V_DATETIME, LG_V_DURATION, duration_since),
	ON("toDate", LG_V_DATETIME, LG_V_DATETIME, to_date),
	ON("toTime", LG_V_DATETIME, LG_V_DURATION, to_time),
	ON("toMilliseconds", LG_V_DURATION, LG_V_LONG, to_milliseconds),
	ON("toSeconds", LG_V_DURATION, LG_V_LONG, to_seconds),
	ON("toMinutes", LG_V_DURATION, LG_V_LONG, to_minutes),
	ON("toHours", LG_V_DURATION, LG_V_LONG, to_hours),
	ON("toDays", LG_V_DURATION, LG_V_LONG, to_days)
};

const struct lg_ext *
lg_ext_find(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(functions); i++)
		if (lg_str_eq(functions[i].name, name))
			return &functions[i];
	return NULL;
}
