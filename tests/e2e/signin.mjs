/* signin.mjs START LOGIN: a browser without script: follows links and redirects, fills the other provider's two forms, prints where it ends. */
const [start, login] = process.argv.slice(2);
const jars = new Map();

function remember(url, res) {
	const jar = jars.get(url.host) ?? new Map();
	for (const line of res.headers.getSetCookie()) {
		const [pair, ...attributes] = line.split(';');
		const path = attributes.map((a) => a.trim().split('=')).find(([n]) => n.toLowerCase() === 'path')?.[1] ?? '/';
		const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
		if (value === '') jar.delete(name); else jar.set(name, { value, path });
	}
	jars.set(url.host, jar);
}

async function ask(url, body) {
	const jar = jars.get(url.host) ?? new Map();
	const cookie = [...jar].filter(([, c]) => url.pathname.startsWith(c.path)).map(([n, c]) => `${n}=${c.value}`).join('; ');
	const res = await fetch(url, { redirect: 'manual', headers: { cookie, ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
		method: body ? 'POST' : 'GET', body });
	remember(url, res);
	return res;
}

let url = new URL(start), body, res, seen = [];
for (let i = 0; i < 25; i++) {
	if (url.host.endsWith(':1')) break;		/* the application's own address: nobody listens there */
	res = await ask(url, body);
	seen.push(`${body ? 'POST' : 'GET'} ${url.pathname} ${res.status}`);
	body = undefined;
	const to = res.headers.get('location');
	if (to) { url = new URL(to, url); continue; }
	const page = await res.text();
	const form = /<form[^>]*action="([^"]+)"/.exec(page);
	const link = /<a [^>]*href="([^"]*\/login\/with[^"]*)"/.exec(page);
	if (link && !seen.some((s) => s.includes('/login/with'))) { url = new URL(link[1].replaceAll('&amp;', '&'), url); continue; }
	if (form && url.pathname.startsWith('/interaction/')) {
		const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? 'login';
		url = new URL(form[1].replaceAll('&amp;', '&'), url);
		body = prompt === 'login' ? `prompt=login&login=${login}&password=x` : `prompt=${prompt}`;
		continue;
	}
	console.log(JSON.stringify({ end: url.pathname, status: res.status, text: /role="alert">([^<]*)/.exec(page)?.[1] ?? /<h1>([^<]*)/.exec(page)?.[1] }));
	console.error(seen.join('\n'));
	process.exit(0);
}
console.log(JSON.stringify({ end: url.href, code: url.searchParams.get('code') !== null, error: url.searchParams.get('error') }));
