// What people do at the pages, in headless Chromium.  node pages.mjs ISSUER CREDENTIALS SCREENSHOTS: a line a claim, "ok ..." or "not ok ...".
import crypto from "node:crypto";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { chromium } from "playwright-core";

const [issuer, credentials, shots] = process.argv.slice(2);
const claim = (what, good, seen = "") => console.log(`${good ? "ok" : "not ok"} ${what}${good ? "" : `: ${String(seen).slice(0, 300)}`}`);
const secrets = JSON.parse(fs.readFileSync(credentials));
const secretOf = (name) => (secrets.credentials ?? secrets).find((c) => c.name === name).secret;
const password = secretOf("alice");
const axe = fs.existsSync("node_modules/axe-core/axe.min.js") ? fs.readFileSync("node_modules/axe-core/axe.min.js", "utf8") : null;

// The application: any port of a loopback address is as good (RFC 8252 7.3).
const application = http.createServer((request, reply) => reply.end("back at the application"));
await new Promise((ready) => application.listen(0, "127.0.0.1", ready));
const there = `http://127.0.0.1:${application.address().port}`;

const challenge = crypto.createHash("sha256").update("v".repeat(43)).digest("base64url");
const request = (client, more = {}) => `${issuer}/oauth2/authorize?${new URLSearchParams({
	response_type: "code", client_id: client, redirect_uri: `${there}/cb`, scope: "openid profile email", state: "s",
	code_challenge: challenge, code_challenge_method: "S256", ...more })}`;

// What the app on a phone would show, and its camera see: oathtool and zbarimg.
const run = (tool, ...options) => { try { return execFileSync(tool, options, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim(); } catch (e) { return e.code === "ENOENT" ? null : ""; } };
const totp = (secret) => run("oathtool", "--totp", "--base32", secret.replace(/ /g, "")) ?? "";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true,
	args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const refused = [];		// what a page wanted and its own policy did not let it, or its script could not do; not who wants to frame it
const open = async (options = {}) => {
	const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1200, height: 800 }, locale: "en", ...options });
	context.on("console", (m) => { if (/Content.Security.Policy/i.test(m.text()) && !m.text().startsWith("Framing")) refused.push(m.text()); });
	context.on("weberror", (e) => refused.push(e.error().message));
	return { context, page: await context.newPage() };
};
const back = (page) => page.waitForURL(`${there}/**`, { timeout: 30000 }).catch(() => {}).then(() => new URL(page.url()).searchParams);

// Each page, small and large, light and dark; nothing is wider than the window; axe finds nothing.
const look = async (page, name, scripted = true) => {
	for (const [width, height, checked] of [[320, 640, "light"], [1200, 800, "dark"]])
		for (const colorScheme of ["light", "dark"]) {
			await page.setViewportSize({ width, height });
			await page.emulateMedia({ colorScheme });
			await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
			claim(`${name} fits into ${width} pixels`, wide <= 0, `${wide} too wide`);
			if (axe && scripted && colorScheme === checked) {
				const found = await page.evaluate(`${axe}; axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html))`);
				claim(`${name}, ${width}, ${colorScheme}: axe finds nothing`, found.length === 0, found.join("; "));
			}
		}
	await page.setViewportSize({ width: 1200, height: 800 });
	await page.emulateMedia({ colorScheme: "light" });
};
const signIn = async (page, name = "alice", secret = password) => {
	await page.fill("#username", name);
	await page.fill("#password", secret);
	await page.click("form[action$='/login'] button");
	await page.waitForLoadState();
};

const recover = async (page, code) => {
	await page.click("summary");
	await page.fill("#recovery", code);
	await page.press("#recovery", "Enter");
	await page.waitForLoadState();
};

// From one thing to the next by Tab, and back: each that can be used is come to, in the order in which it stands there, and is seen to have
// the focus.
const walk = async (page, name) => {
	const all = await page.evaluate(() => {
		window.stops = [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden])")].filter((e) => e.checkVisibility());
		window.stops[0].focus();
		return window.stops.length;
	});
	const there = [...Array(all).keys()].slice(1), back = [...Array(all).keys()].slice(0, -1).reverse(), wrong = [];
	for (const [i, at] of [...there, ...back].entries()) {
		await page.keyboard.press(i < there.length ? "Tab" : "Shift+Tab");
		const found = await page.evaluate(() => [window.stops.indexOf(document.activeElement), getComputedStyle(document.activeElement).outlineStyle]);
		if (found[0] !== at || found[1] === "none")
			wrong.push(`${at}: ${found}`);
	}
	claim(`${name} is walked through by keyboard`, all > 1 && wrong.length === 0, wrong.join("; "));
};

if (!axe)
	console.log("SKIP axe-core is not installed");

// The basic path, without any script.
{
	const { context, page } = await open({ javaScriptEnabled: false });
	await page.goto(request("portal"));
	await page.keyboard.type("alice");
	await page.keyboard.press("Tab");
	await page.keyboard.type(password);
	await page.keyboard.press("Enter");
	const answer = await back(page);
	await page.goto(issuer);
	claim("the service's name alone leads to the account", new URL(page.url()).pathname === "/account", page.url());
	claim("a password signs in without script, nor mouse", answer.has("code") && answer.get("state") === "s", page.url());
	await context.close();
}

const { context, page } = await open();
await page.goto(request("portal"));
await look(page, "sign-in");
await walk(page, "sign-in");
await page.fill("#username", "alice");
await page.fill("#password", "wrong");
await page.click("form[action$='/login'] button");
claim("a wrong password is told", (await page.textContent("[role=alert]")).includes("wrong"), await page.content());
claim("... where one types, and one types the password", await page.evaluate(() => document.activeElement.id === "password" &&
	document.getElementById(document.activeElement.getAttribute("aria-describedby")).role === "alert") && (await page.title()).startsWith("The user name or"), await page.title());
await look(page, "sign-in-wrong");
await signIn(page);
claim("and then the right one signs in", (await back(page)).has("code"), page.url());

// Consent.
await page.goto(request("shop"));
await look(page, "consent");
await walk(page, "consent");
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
await walk(page, "account");
await page.click("a[href$='/account/totp']");
await look(page, "totp");
const secret = await page.textContent(".secret");
await (await page.$(".qr")).screenshot({ path: `${shots}/qr.png` });
const scanned = run("zbarimg", "-q", "--raw", `${shots}/qr.png`);
if (scanned === null)
	console.log("SKIP zbarimg is not installed: nobody looked at the QR code");
else
	claim("a camera reads the QR code", scanned.startsWith("otpauth://totp/") && new URL(scanned).searchParams.get("secret") === secret.replace(/ /g, ""), scanned);
claim("oathtool is there", run("oathtool", "--version") !== null);
await page.fill("#code", "000000");
await page.click("button");
claim("a wrong code is told", (await page.textContent("[role=alert]")).includes("wrong"), await page.textContent("main"));
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
	await recover(other.page, codes[0]);
	claim("a recovery code is a second step", (await back(other.page)).has("code"), other.page.url());
	await other.context.close();
}

// The password: changed with the old one; whoever is signed in elsewhere is not any more.
let changed = "another good password";
{
	const other = await open();
	await other.page.goto(`${issuer}/account`);
	await signIn(other.page);
	await recover(other.page, codes[1]);
	claim("signed in twice", (await other.page.textContent("h1")) === "Your account", other.page.url());
	await page.goto(`${issuer}/account`);
	await page.click("a[href$='/account/password']");
	await look(page, "password");
	const change = async (old, first, second) => {
		await page.fill("#old", old);
		await page.fill("#password", first);
		await page.fill("#again", second);
		await page.click("button");
		await page.waitForLoadState();
	};
	await change("wrong", changed, changed);
	claim("the old password has to be right", (await page.textContent("[role=alert]")).includes("old password is wrong"), await page.textContent("main"));
	await look(page, "password-wrong");
	await change(password, changed, "something else");
	claim("the new one is typed twice", (await page.textContent("[role=alert]")).includes("twice"), await page.textContent("main"));
	await change(password, changed, changed);
	claim("then it is changed, one is told, and stays signed in", (await page.textContent("[role=status]")).includes("password is changed"), await page.textContent("main"));
	await other.page.goto(`${issuer}/account`);
	claim("elsewhere one is not", (await other.page.textContent("h1")) === "Sign in", await other.page.textContent("h1"));
	await other.context.close();
}

// An invitation, without script: the first password.
{
	const { context: other, page: at } = await open({ javaScriptEnabled: false });
	await at.goto(process.env.INVITATION);
	await look(at, "invitation", false);
	await at.fill("#password", "the first of them");
	await at.fill("#again", "the first of the");
	await at.click("button");
	claim("how long it has to be is told before", (await at.textContent("#rule")).match(/At least \d+ characters/), await at.textContent("main"));
	claim("two that differ are told", (await at.textContent("[role=alert]")).includes("twice"), await at.textContent("main"));
	await look(at, "invitation-differs", false);
	await at.fill("#password", "the first of them");
	await at.fill("#again", "the first of them");
	await at.click("button");
	await look(at, "invitation-done", false);
	await at.click("a.button");
	await signIn(at, "dave", "the first of them");
	claim("whoever was invited signs in", (await at.textContent("h1")) === "Your account", await at.textContent("main"));
	await look(at, "account-new", false);
	await at.goto(process.env.INVITATION);
	claim("the link is over", (await at.textContent("h1")) === "This link is good no longer", await at.textContent("h1"));
	await look(at, "link-over", false);
	await other.close();
}

// A forgotten password, by mail.
if (fs.existsSync(process.env.MAILS)) {
	const { context: other, page: at } = await open();
	await at.goto(request("portal"));
	await at.click("a[href$='/login/forgot']");
	await look(at, "forgot");
	await at.fill("#username", "dave@example.org");
	await at.click("button");
	await look(at, "link-asked");
	const mails = () => fs.readdirSync(process.env.MAILS).filter((n) => /^[0-9]+$/.test(n)).map((n) => fs.readFileSync(`${process.env.MAILS}/${n}`, "utf8"));
	const links = () => mails().filter((m) => m.includes("To: dave@")).flatMap((m) => m.match(/https:\S*\/login\/link\S*/) ?? []);
	const told = (what) => mails().some((m) => m.includes("To: alice@") && m.includes(what));
	for (let n = 0; n < 300 && !(links().length > 0 && told("authenticator app was set up") && told("Your password was changed")); n++)
		await at.waitForTimeout(100);
	const [link] = links();
	claim("alice was told of her app", told("authenticator app was set up"));
	claim("... and of her new password", told("Your password was changed"));
	await at.goto(link ?? issuer);
	await at.fill("#password", "the second of them");
	await at.fill("#again", "the second of them");
	await at.click("button");
	claim("a link that came by mail sets it", (await at.textContent("h1")) === "The password is set", await at.textContent("main"));
	await other.close();
} else {
	console.log("SKIP a forgotten password: python3-aiosmtpd is not installed");
}

// A password that has to be changed, on the way to an application.
{
	const { context: other, page: at } = await open();
	await at.goto(request("portal"));
	await signIn(at, "erin", secretOf("erin"));
	await look(at, "must-change");
	await at.fill("#password", "the next of them");
	await at.fill("#again", "the next of them");
	await at.click("button");
	claim("a change leads on to the application", (await back(at)).has("code"), at.url());
	await other.close();
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
	await page.waitForURL(`${issuer}/account`, { timeout: 30000 }).catch(() => {});
	claim("a passkey is made", (await page.textContent("main")).includes("Blue key"), await page.textContent("main"));
	await look(page, "account-full");
	await page.goto(request("portal", { prompt: "login" }));
	await page.click("form[action$='/login/passkey'] button");
	claim("it signs in alone", (await back(page)).has("code"), page.url());
	await page.goto(request("portal", { prompt: "login" }));
	await signIn(page, "alice", changed);
	await look(page, "second-step-passkey");
	await page.click("form[data-passkey] button");
	claim("and beside a password", (await back(page)).has("code"), page.url());
	await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
	await page.goto(request("portal", { prompt: "login" }));
	await page.click("form[action$='/login/passkey'] button");
	await page.waitForSelector("form[data-passkey] .problem:not([hidden])", { timeout: 30000 }).catch(() => {});
	claim("whom it does not verify it does not sign in", page.url().startsWith(issuer), page.url());
}

// German, as the application wants it.
{
	const other = await open();
	await other.page.goto(request("portal", { ui_locales: "de" }));
	claim("the pages speak German", (await other.page.textContent("h1")) === "Anmelden" && (await other.page.getAttribute("html", "lang")) === "de");
	await look(other.page, "sign-in-de");
	await signIn(other.page, "alice", "wrong");
	await look(other.page, "sign-in-de-wrong");
	await other.page.goto(request("portal", { ui_locales: "de", redirect_uri: "https://elsewhere.example/" }));
	claim("what to tell an operator is marked as English", (await other.page.textContent("main [lang=en]")) === "The address to return to is not one that the application registered." &&
		(await other.page.textContent("h1")).startsWith("Diese Anfrage"), await other.page.textContent("main"));
	await look(other.page, "refused-de");
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

// What is ended is ended when one says so twice where it cannot be had back, and the page tells it.
{
	await page.goto(`${issuer}/account`);
	await page.click("[aria-label='Take back: shop']");
	claim("what was allowed is taken back", (await page.textContent("[role=status]")).includes("taken back") && !(await page.textContent("main")).includes("shop"), await page.textContent("main"));
	await page.click("[aria-label='Remove: Authenticator app']");
	await look(page, "account-remove");
	await page.click("details[open] button");
	claim("the app is removed", (await page.textContent("[role=status]")) === "It is removed." && (await page.isVisible("a[href$='/account/totp']")), await page.textContent("main"));
}
claim("no page wanted what its policy forbids", refused.length === 0, refused.join("; "));

await page.goto(`${issuer}/logout`);
await look(page, "sign-out");
await page.click("button");
await look(page, "signed-out");
claim("signing out ends it", (await page.textContent("h1")) === "You are signed out", await page.textContent("h1"));
await browser.close();
application.closeAllConnections();
application.close();
console.log("ok the end");
