// What relying parties in tests share: a browser of a few lines, and how a claim is printed.
const plain = s => s.replace(/&quot;/g, '"').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&#39;/g, "'").replace(/&amp;/g, '&')
export const field = (page, name) => plain(page.match(new RegExp(`name="${name}"[^>]*value="([^"]*)"`))[1])

export function claim(what, good, more = '') {
	console.log(good ? `ok ${what}` : `not ok ${what} ${more}`)
}

// One jar, forms sent as they stand; alice signs in, and answers what an application asks for.
export class Browser {
	jar = new Map()
	answer = 'allow'
	constructor(issuer, password) {
		this.issuer = issuer
		this.password = password
	}
	async go(url, form) {
		const r = await fetch(url, {
			method: form ? 'POST' : 'GET', redirect: 'manual',
			headers: { cookie: [...this.jar].map(([k, v]) => `${k}=${v}`).join('; '), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
			body: form && new URLSearchParams(form),
		})
		for (const c of r.headers.getSetCookie()) {
			const [, name, value] = c.match(/^([^=]*)=([^;]*)/)
			this.jar.set(name, value)
		}
		return r
	}
	async signIn(url, form) {
		return this.fill(await (await this.go(url, form)).text())
	}
	async fill(page) {
		return this.consent(await this.go(new URL('/login', this.issuer), {
			username: 'alice', password: this.password, csrf: field(page, 'csrf'), request: field(page, 'request'),
		}))
	}
	// The page that asks whether the application may, if it is one.
	async consent(r) {
		const page = r.status === 200 ? await r.clone().text() : ''
		if (!page.includes('/oauth2/consent"')) return r
		return this.go(new URL('/oauth2/consent', this.issuer), { csrf: field(page, 'csrf'), request: field(page, 'request'), answer: this.answer })
	}
}
