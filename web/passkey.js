/* Passkeys: asks the browser what a form's data-options say, puts its answer into the form and sends it.  The one script there is. */
(() => {
	"use strict";
	const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
	const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
		.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

	const publicKey = (form) => {
		const options = JSON.parse(form.dataset.options);
		options.challenge = bytes(options.challenge);
		if (options.user)
			options.user.id = bytes(options.user.id);
		for (const key of [...(options.allowCredentials || []), ...(options.excludeCredentials || [])])
			key.id = bytes(key.id);
		return options;
	};

	const answers = {
		async get(form) {
			const c = await navigator.credentials.get({ publicKey: publicKey(form) });
			const answer = {
				id: base64url(c.rawId),
				client: base64url(c.response.clientDataJSON),
				authenticator: base64url(c.response.authenticatorData),
				signature: base64url(c.response.signature),
			};
			if (c.response.userHandle)
				answer.user = base64url(c.response.userHandle);
			return answer;
		},
		async create(form) {
			const c = await navigator.credentials.create({ publicKey: publicKey(form) });
			return { client: base64url(c.response.clientDataJSON), attestation: base64url(c.response.attestationObject) };
		},
	};

	for (const form of document.querySelectorAll("form[data-passkey]")) {
		if (!window.PublicKeyCredential)
			continue;
		form.hidden = false;
		form.addEventListener("submit", async (event) => {
			const problem = form.querySelector(".problem"), button = form.querySelector("button");
			event.preventDefault();
			button.disabled = true;
			problem.hidden = true;
			try {
				form.elements.passkey.value = JSON.stringify(await answers[form.dataset.passkey](form));
				form.submit();
			} catch {
				problem.textContent = form.dataset.failed;
				problem.hidden = false;
				button.disabled = false;
			}
		});
	}
})();
