// What people do at the pages, in headless Chromium.  node pages.mjs ISSUER CREDENTIALS SCREENSHOTS: a line a claim, "ok ..." or "not ok ...".
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { chromium } from "playwright-core";

const [issuer, credentials, shots] = process.argv.slice(2);
const claim = (what, good, seen = "") => console.log(`${good ? "ok" : "not ok"} ${what}${good ? "" : `: ${String(seen).slice(0, 300)}`}`);
const secrets = JSON.parse(fs.readFileSync(credentials));
const password = (secrets.credentials ?? secrets).find((c) => c.name === "alice").secret;
const axe = fs.existsSync("node_modules/axe-core/axe.min.js") ? fs.readFileSync("node_modules/axe-core/axe.min.js", "utf8") : null;

// The application: any port of a loopback address is as good (RFC 8252 7.3).
const application = http.createServer((request, reply) => reply.end("back at the application"));
await new Promise((ready) => application.listen(0, "127.0.0.1", ready));
const there = `http://127.0.0.1:${application.address().port}`;

const challenge = crypto.createHash("sha256").update("v".repeat(43)).digest("base64url");
const request = (client, more = {}) => `${issuer}/oauth2/authorize?${new URLSearchParams({
	response_type: "code", client_id: client, redirect_uri: `${there}/cb`, scope: "openid profile email", state: "s",
	code_challenge: challenge, code_challenge_method: "S256", ...more })}`;

// RFC 6238, written a second time.
const totp = (secret, ahead = 0) => {
	const bits = [...secret.replace(/ /g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const step = Buffer.alloc(8);
	step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + ahead));
	const mac = crypto.createHmac("sha1", key).update(step).digest();
	return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true,
	args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const open = async (options = {}) => {
	const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1200, height: 800 }, locale: "en", ...options });
	return { context, page: await context.newPage() };
};
const back = (page) => page.waitForURL(`${there}/**`, { timeout: 10000 }).catch(() => {}).then(() => new URL(page.url()).searchParams);

// Each page, small and large, light and dark; nothing is wider than the window; axe finds nothing.
const look = async (page, name) => {
	for (const [width, height] of [[320, 640], [1200, 800]])
		for (const colorScheme of ["light", "dark"]) {
			await page.setViewportSize({ width, height });
			await page.emulateMedia({ colorScheme });
			await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
			claim(`${name} fits into ${width} pixels`, wide <= 0, `${wide} too wide`);
			if (axe) {
				const found = await page.evaluate(`${axe}; axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html))`);
				claim(`${name}, ${width}, ${colorScheme}: axe finds nothing`, found.length === 0, found.join("; "));
			}
		}
	await page.setViewportSize({ width: 1200, height: 800 });
	await page.emulateMedia({ colorScheme: "light" });
};
const signIn = async (page) => {
	await page.fill("#username", "alice");
	await page.fill("#password", password);
	await page.click("form[action$='/login'] button");
	await page.waitForLoadState();
};

if (!axe)
	console.log("SKIP axe-core is not installed");

// The basic path, without any script.
{
	const { context, page } = await open({ javaScriptEnabled: false });
	await page.goto(request("portal"));
	await signIn(page);
	const answer = await back(page);
	claim("a password signs in without script", answer.has("code") && answer.get("state") === "s", page.url());
	await context.close();
}

const { context, page } = await open();
await page.goto(request("portal"));
await look(page, "sign-in");
await page.fill("#username", "alice");
await page.fill("#password", "wrong");
await page.click("form[action$='/login'] button");
claim("a wrong password is told", (await page.textContent("[role=alert]")).includes("wrong"), await page.content());
await look(page, "sign-in-wrong");
await signIn(page);
claim("and then the right one signs in", (await back(page)).has("code"), page.url());

// Consent.
await page.goto(request("shop"));
await look(page, "consent");
claim("an application asks", (await page.textContent("h1")) === "Allow shop?", await page.textContent("h1"));
await page.click("button[value=allow]");
claim("and gets its code", (await back(page)).has("code"), page.url());
await page.goto(request("shop"));
claim("once", (await back(page)).has("code"), page.url());

// A device.
await page.goto(`${issuer}/device`);
await look(page, "device");
const device = await context.request.post(`${issuer}/oauth2/device_authorization`, { form: { client_id: "tv", scope: "openid" } });
if (device.ok()) {
	await page.fill("#user_code", (await device.json()).user_code);
	await page.click("button");
	await look(page, "device-consent");
	await page.click("button[value=allow]");
	claim("a device is connected", (await page.textContent("h1")) === "The device is connected", await page.textContent("h1"));
} else {
	claim("a device may ask", false, await device.text());
}

// An authenticator application.
await page.goto(`${issuer}/account`);
await look(page, "account");
await page.click("a[href$='/account/totp']");
await look(page, "totp");
const secret = await page.textContent(".secret");
await page.fill("#code", totp(secret));
await page.click("button");
await look(page, "recovery-codes");
const codes = await page.$$eval(".codes li", (list) => list.map((li) => li.textContent));
claim("ten recovery codes are shown", codes.length === 10, codes);
await page.click("a.button");
claim("and then the account page", (await page.textContent("h1")) === "Your account", page.url());
{
	const other = await open();
	await other.page.goto(request("portal"));
	await signIn(other.page);
	await look(other.page, "second-step");
	await other.page.fill("#code", codes[0]);
	await other.page.click("button");
	claim("a recovery code is a second step", (await back(other.page)).has("code"), other.page.url());
	await other.context.close();
}

// A passkey: made, as a second step, alone; and none without the person.
const virtual = async (at, on) => {
	const cdp = await at.newCDPSession(on);
	await cdp.send("WebAuthn.enable");
	const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", ctap2Version: "ctap2_1",
		transport: "usb", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
	return { cdp, authenticatorId };
};
if (/^https:\/\/[0-9.]+(:|$)/.test(issuer)) {
	console.log("SKIP passkeys: the issuer is an address, and WebAuthn wants a name");
} else {
	const { cdp, authenticatorId } = await virtual(context, page);
	await page.goto(`${issuer}/account/passkey`);
	await look(page, "passkey");
	await page.fill("#name", "Blue key");
	await page.click("button");
	await page.waitForURL(`${issuer}/account`, { timeout: 10000 }).catch(() => {});
	claim("a passkey is made", (await page.textContent("main")).includes("Blue key"), await page.textContent("main"));
	await page.goto(request("portal", { prompt: "login" }));
	await page.click("form[action$='/login/passkey'] button");
	claim("it signs in alone", (await back(page)).has("code"), page.url());
	await page.goto(request("portal", { prompt: "login" }));
	await signIn(page);
	await look(page, "second-step-passkey");
	await page.click("form[data-passkey] button");
	claim("and beside a password", (await back(page)).has("code"), page.url());
	await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
	await page.goto(request("portal", { prompt: "login" }));
	await page.click("form[action$='/login/passkey'] button");
	await page.waitForSelector("form[data-passkey] .problem:not([hidden])", { timeout: 10000 }).catch(() => {});
	claim("whom it does not verify it does not sign in", page.url().startsWith(issuer), page.url());
}

// German, as the application wants it.
{
	const other = await open();
	await other.page.goto(request("portal", { ui_locales: "de" }));
	claim("the pages speak German", (await other.page.textContent("h1")) === "Anmelden" && (await other.page.getAttribute("html", "lang")) === "de");
	await look(other.page, "sign-in-de");
	await other.context.close();
}

// Nobody may frame the page.
{
	const other = await open();
	await other.page.setContent(`<iframe src="${issuer}/login"></iframe>`);
	await other.page.waitForTimeout(300);
	const framed = await Promise.all(other.page.frames().slice(1).map((f) => f.$("#password").catch(() => null)));
	claim("nobody frames the sign-in page", framed.every((f) => f === null));
	await other.context.close();
}

await page.goto(`${issuer}/logout`);
await look(page, "sign-out");
await page.click("button");
claim("signing out ends it", (await page.textContent("h1")) === "You are signed out", await page.textContent("h1"));
await browser.close();
application.closeAllConnections();
application.close();
console.log("ok the end");
