// Strings with every escape, and what extension constructors are given: good, at the edge, and just beyond it.

const pieces = ['a', 'b', 'alice', ' ', '', '*', '\\', '"', "'", '\n', '\t', '\r', '\0', '\x7f', 'é', '日本', '😀', '\u0301', '\u200b', '\ufeff', '//', '?', '{', '\u{10ffff}'];

export function text(r) {
	return r.some(0, 4, () => r.pick(pieces)).join('');
}

// One way of several to write the same character.
function escaped(r, c, pattern) {
	const code = c.codePointAt(0), hex = code.toString(16);
	if (c === '*' && pattern)
		return '\\*';
	if (c === '"' || c === '\\')
		return '\\' + c;
	const ways = [c];
	if (c === "'")
		ways.push("\\'");
	if (c === '\n')
		ways.push('\\n');
	if (c === '\t')
		ways.push('\\t');
	if (c === '\r')
		return '\\r';
	if (c === '\0')
		return r.pick(['\\0', '\\x00', '\\u{0}']);
	if (code < 0x80)
		ways.push(`\\x${hex.padStart(2, '0')}`);
	ways.push(`\\u{${hex}}`, `\\u{${hex.padStart(6, '0')}}`);
	return r.chance(60) ? ways[0] : r.pick(ways);
}

export function quoted(r, s) {
	return `"${[...s].map((c) => escaped(r, c, false)).join('')}"`;
}

export function pattern(r) {
	return `"${r.some(0, 5, () => (r.chance(40) ? '*' : [...r.pick(pieces)].map((c) => escaped(r, c, true)).join(''))).join('')}"`;
}

// What the lexer should refuse, or nearly.
export const oddStrings = ['"\\x80"', '"\\xff"', '"\\x7f"', '"\\u{D800}"', '"\\u{dfff}"', '"\\u{110000}"', '"\\u{10FFFF}"', '"\\u{0000000}"', '"\\u{}"',
	'"\\u1234"', '"\\q"', '"\\*"', '"\\x4"', '"a\nb"', '"\\\n"', '"', "'a'", '"\\u{1_0}"', '"\\u{_1}"', '"\\X41"', '"\\U{41}"', '"\r"', '"\\"'];

const digits = (r, n) => r.some(n, n, () => r.below(10)).join('');
const i64 = ['9223372036854775807', '9223372036854775808', '-9223372036854775808', '0', '-0', '1', '922337203685477'];

export const makers = {
	ip(r) {
		const octet = () => r.pick(['0', '1', '10', '127', '224', '255', '256', '01', '', '1000', `${r.below(256)}`]);
		const v4 = () => `${octet()}.${octet()}.${octet()}.${octet()}`;
		const v6 = () => r.pick(['::', '::1', 'ff02::1', 'fe80::1', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '1::2::3', '::ffff:1.2.3.4', 'fe80::1%eth0',
			'0:0:0:0:0:0:0:1', '::00001', 'ABCD::ef', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', ':', ':::', '2001:db8::', '0000:0000:0000:0000:0000:0000:0000:0001',
			'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', `${r.below(65536).toString(16)}::${r.below(65536).toString(16)}`]);
		const good = () => r.pick([`10.${r.below(256)}.${r.below(256)}.${r.below(4)}`, '127.0.0.1', '::1', '224.0.0.1', 'ff00::1', '0.0.0.0', '127.255.255.255']);
		const prefix = () => r.pick(['', '', '', '/0', '/1', '/8', '/24', '/31', '/32', '/33', '/032', '/7', '/128', '/129', '/64', '/', '/-1', '/+8', '/8/8', '/4']);
		return r.pick([good, good, v4, v6])() + prefix();
	},
	decimal(r) {
		return r.pick([
			() => `${r.pick(['', '-', '+'])}${r.below(1000)}.${digits(r, r.between(0, 5))}`,
			() => `${r.below(100)}.${digits(r, r.between(1, 4))}`,
			() => r.pick(['922337203685477.5807', '922337203685477.5808', '-922337203685477.5808', '-922337203685477.5809', '0.0', '-0.0', '00.10', '1.', '.1', '1', '', '-',
				'1.0.0', '1e3', ' 1.0', '1.0 ', '0001.0', '١.0', '99999999999999999999.0', '-.5', '1.00000', '1.0000']),
		])();
	},
	datetime(r) {
		const two = (n) => String(n).padStart(2, '0');
		const date = () => `${r.pick(['0000', '0001', '1969', '1970', '2000', '2024', '2023', '9999', '1900', '2100', '10000', '24', '-001', '+2024'])}-${r.pick(
			['01', '02', '06', '12', '00', '13', '2'])}-${r.pick(['01', '28', '29', '30', '31', '00', '32', '1'])}`;
		const good = () => `${r.between(1960, 2030)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;
		const time = () => `T${r.pick(['00', '12', '23', '24', '1'])}:${r.pick(['00', '30', '59', '60'])}:${r.pick(['00', '59', '60', '61'])}`;
		const ok = () => `T${two(r.below(24))}:${two(r.below(60))}:${two(r.below(60))}`;
		const ms = () => r.pick(['', '', '', '.000', '.999', '.1', '.12', '.1234', '.', ',123']);
		const zone = () => r.pick(['Z', 'Z', '+0000', '-0000', '+0100', '-1130', '+2359', '-2359', '+2400', '+0060', '+01:00', 'z', '', '+01', ' Z', '+12345']);
		return r.pick([good, good, date, () => good() + ok() + r.pick(['Z', '.123Z', '+0130', '.5Z']), () => date() + time() + ms() + zone(), () => good() + ok() + ms() + zone(),
			() => r.pick(['', '2024-01-01T', '2024-01-01 00:00:00Z', '2024-1-1', '20240101', ' 2024-01-01', '2024-01-01\n'])])();
	},
	duration(r) {
		const units = ['d', 'h', 'm', 's', 'ms'];
		return r.pick([
			() => `${r.chance(30) ? '-' : ''}${r.subset(units, 50).map((u) => `${r.below(100)}${u}`).join('')}`,
			() => `${r.chance(30) ? '-' : ''}${r.subset(units, 50).map((u) => `${r.below(5000)}${u}`).join('')}`,
			() => `${r.pick(i64)}${r.pick(units)}`,
			() => r.pick(['', '-', '1', 'd', '1h1d', '1d1d', '1ms1s', '1 d', '1D', '+1d', '1.5h', '--1d', '0ms', '-0ms', '106751991167d', '106751991168d', '9223372036854775807ms',
				'-9223372036854775808ms', '9223372036854775s808ms', '1m1ms', '1s1m', '00001h', '٣d']),
		])();
	},
};
