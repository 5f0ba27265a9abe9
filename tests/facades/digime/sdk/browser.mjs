/** Somebody at the consent pages: a browser as far as plain HTTP goes, with cookies, forms and pages that refresh. */

/** Milliseconds within which a page has to stop refreshing. */
const PATIENCE = 60_000;

export class Browser {
    /** `ours`: the address of the consent pages. Everything else is the application's, and is where a way ends. */
    constructor(ours) {
        this.ours = new URL(ours);
        this.cookies = new Map();
    }

    /** Open a page and follow where it leads; the application's address in the end, or null while a page is shown. */
    async open(address) {
        return this.#follow(await this.#send(new URL(address)));
    }

    /** Press a button of the page, with what was typed; as `open`. */
    async press(decision, typed = {}) {
        const hidden = Object.fromEntries(
            [...this.page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
                name,
                plain(value),
            ]),
        );
        const action = /<form method="post" action="([^"]+)"/.exec(this.page);
        if (!action) throw new Error(`there is no form on the page: ${this.page}`);
        const body = new URLSearchParams({ ...hidden, ...typed, decision });
        return this.#follow(await this.#send(new URL(plain(action[1]), this.address), { method: "POST", body }));
    }

    /** The names of the fields that somebody can fill in. */
    get fields() {
        return [...this.page.matchAll(/<input id="[^"]+" name="([^"]+)"/g)].map(([, name]) => name);
    }

    async #send(address, options = {}) {
        const cookie = [...this.cookies].map((pair) => pair.join("=")).join("; ");
        const response = await fetch(address, { ...options, headers: { cookie }, redirect: "manual" });
        for (const set of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
            this.cookies.set(name, value);
        }
        this.address = address;
        this.page = await response.text();
        return response;
    }

    async #follow(response) {
        const until = Date.now() + PATIENCE;
        while (Date.now() < until) {
            const location = response.headers.get("location");
            const next = location ? new URL(location, this.address) : this.address;
            if (next.origin !== this.ours.origin || !next.pathname.startsWith(this.ours.pathname)) return next;
            if (!location && !this.page.includes('http-equiv="refresh"')) return null;
            if (!location) await new Promise((resolve) => setTimeout(resolve, 100));
            response = await this.#send(next);
        }
        throw new Error(`the page never settles: ${this.page}`);
    }
}

function plain(html) {
    return html.replaceAll("&#34;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
