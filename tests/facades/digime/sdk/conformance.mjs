/**
 * The whole life of a library through digi.me's own Node SDK (contract: section 6.6), against any server.
 *
 *     node conformance.mjs run.json
 *
 * prints a line for each step and ends with 1 at the first that is wrong. Where time has to pass it prints a line with
 * a question mark and goes on after a line on standard input. README.md beside this file says what run.json holds.
 */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline/promises";

import { Browser } from "./browser.mjs";

const run = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { init } = createRequire(import.meta.url)(run.sdk);
const sdk = init({
    applicationId: run.applicationId,
    baseUrl: run.baseUrl,
    onboardUrl: run.onboardUrl,
    retryOptions: { limit: 0 },
});
const { read, write, raw, narrow } = run.contracts;
const [first, second] = run.services;
const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();

/** What is pushed, and what is said of it. */
const PUSHED = Buffer.from([...Array(1000).keys()].map((number) => number % 256));
const DESCRIPTOR = { mimeType: "application/pdf", accounts: [{ accountId: "a-1" }], reference: ["r"], tags: ["t"] };
const LOWERED = { mimetype: "application/pdf", accounts: [{ accountid: "a-1" }], reference: ["r"], tags: ["t"] };
/** Seconds in which a session has to have all its files. */
const LIMITS = { duration: { sourceFetch: 60 } };

let count = 0;

/** Do a step and say so; what it gives back. */
async function step(name, act) {
    count += 1;
    try {
        const [told, value] = await act();
        console.log(`ok ${count} ${name}: ${told}`);
        return value;
    } catch (error) {
        console.log(`WRONG ${count} ${name}: ${error.stack}`);
        process.exit(1);
    }
}

/** Ask whoever runs this for something, and wait until it is done. */
async function please(what) {
    console.log(`? ${what}`);
    await lines.next();
}

/** A call that has to fail with this code. */
async function refuses(name, code, call) {
    await step(`${name} is refused`, async () => {
        const error = await call().then(
            () => assert.fail("nothing was refused"),
            (reason) => reason,
        );
        assert.equal(error.name, "DigiMeServerError", error.stack);
        assert.equal(error.error.code, code);
        return [`${code}, ${error.message}`];
    });
}

function authorizing(contract, more = {}) {
    return sdk.getAuthorizeUrl({ contractDetails: contract, callback: run.callback, state: "a state & more", ...more });
}

/** Somebody decides at the consent page; the address that the browser ends at. */
async function decided(url, decision, typed = {}, linking = null) {
    const browser = new Browser(run.onboardUrl);
    assert.equal(await browser.open(url), null, "the consent page is not shown");
    return (await browser.press(decision, typed)) ?? linked(browser, linking);
}

/** The service's form is filled in, and its questions answered; the address that the browser ends at. */
async function linked(browser, linking) {
    assert.ok(linking, `a page that nobody expected: ${browser.page}`);
    assert.deepEqual(browser.fields, Object.keys(linking.form));
    let end = await browser.press("link", linking.form);
    while (end === null) {
        const answers = browser.fields.map((name) => [name, linking.answer]);
        end = await browser.press("answer", Object.fromEntries(answers));
    }
    return end;
}

/** What a browser brings to the contract's address. */
function brought(end, contract) {
    const home = new URL(contract.redirectUri);
    assert.equal(end.origin + end.pathname, home.origin + home.pathname);
    for (const [name, value] of home.searchParams) assert.equal(end.searchParams.get(name), value);
    const said = Object.fromEntries(end.searchParams);
    assert.equal(said.success, "true", end.href);
    assert.equal(said.state, "a state & more");
    return said;
}

function exchanged(contract, begun, said) {
    return sdk.exchangeCodeForToken({
        contractDetails: contract,
        codeVerifier: begun.codeVerifier,
        authorizationCode: said.code,
    });
}

/** Seconds since 1970, and not over. */
function isToCome(expiry) {
    assert.equal(typeof expiry, "number");
    assert.ok(expiry > Date.now() / 1000 && expiry < 2 ** 31, `${expiry}`);
}

function areTokens(tokens) {
    for (const token of [tokens.accessToken, tokens.refreshToken]) {
        assert.equal(typeof token.value, "string");
        isToCome(token.expiry);
    }
    return tokens;
}

function isSession(session) {
    assert.match(session.key, /^[A-Za-z0-9]{32}$/);
    isToCome(session.expiry / 1000);
    return session;
}

/** A contract is consented to and its code exchanged; tokens, session and what the browser brought. */
async function letIn(name, contract, options, decision, typed = {}) {
    return step(`${name}: getAuthorizeUrl, consent, exchangeCodeForToken`, async () => {
        const begun = await authorizing(contract, options);
        const said = brought(await decided(begun.url, decision, typed), contract);
        const tokens = areTokens(await exchanged(contract, begun, said));
        return [Object.keys(said).join(", "), { begun, said, tokens }];
    });
}

/** Every file of a session, by name. */
async function allFiles(session, contract) {
    const [files, wrong] = [new Map(), []];
    const { filePromise } = sdk.readAllFiles({
        sessionKey: session.key,
        privateKey: contract.privateKey,
        onFileData: (file) => files.set(file.fileName, file),
        onFileError: ({ fileName, error }) => wrong.push(`${fileName}: ${error.stack}`),
    });
    await filePromise;
    assert.deepEqual(wrong, []);
    return files;
}

/** Mapped files are arrays of as many objects as is said. */
function areMapped(files, service) {
    const mapped = [...files.values()].filter(({ fileMetadata }) => "objectCount" in fileMetadata);
    assert.ok(mapped.some(({ fileName }) => fileName.includes(`_${service.id}_`)), [...files.keys()].join());
    for (const { fileData, fileMetadata } of mapped) {
        const objects = JSON.parse(fileData.toString("utf8"));
        assert.equal(objects.length, fileMetadata.objectCount);
        for (const name of ["objectType", "serviceGroup", "serviceName"]) {
            assert.equal(typeof fileMetadata[name], "string");
        }
    }
    return `${mapped.length} files, ${mapped.reduce((sum, each) => sum + each.fileMetadata.objectCount, 0)} objects`;
}

/** The list of a session once nothing will be added. */
async function endedList(session) {
    for (;;) {
        const found = await sdk.readFileList({ sessionKey: session.key });
        if (["completed", "partial"].includes(found.status.state)) return found;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

// ------------------------------------------------------------------------------------------------- a library is made

await step("getAvailableServices", async () => {
    const every = await sdk.getAvailableServices();
    const offered = await sdk.getAvailableServices(read.contractId);
    for (const { id } of run.services) assert.ok(offered.services.some((each) => each.id === id));
    assert.ok(!offered.services.some((each) => "serviceId" in each));
    return [`${every.services.length} services, ${offered.services.length} for the contract`];
});

const begun = await step("getAuthorizeUrl", async () => {
    const answer = await authorizing(read, {
        serviceId: first.id,
        sessionOptions: { pull: { limits: LIMITS, scope: { timeRanges: [{ last: "9y" }] } } },
    });
    assert.ok(answer.url.startsWith(`${run.onboardUrl}authorize?code=`), answer.url);
    isSession(answer.session);
    assert.deepEqual(await sdk.readFileList({ sessionKey: answer.session.key }), { status: { state: "pending" } });
    return ["a code, a session that is pending", answer];
});

const said = await step("consent, and linking a service", async () => {
    const end = brought(await decided(begun.url, "new", {}, first), read);
    return [Object.keys(end).join(", "), end];
});

let reading = await step("exchangeCodeForToken", async () => {
    const tokens = areTokens(await exchanged(read, begun, said));
    return [`over in ${Math.round(tokens.accessToken.expiry - Date.now() / 1000)} s`, tokens];
});

await step("readAllFiles of the first session", async () => [areMapped(await allFiles(begun.session, read), first)]);

// ------------------------------------------------------------------------------------------------------- it is read

const session = await step("readSession", async () => {
    const answer = await sdk.readSession({ contractDetails: read, userAccessToken: reading });
    assert.deepEqual(answer.userAccessToken, reading);
    return ["a session", isSession(answer.session)];
});

const list = await step("readFileList", async () => {
    const found = await endedList(session);
    assert.equal(found.status.state, "completed");
    const again = await sdk.readFileList({ sessionKey: session.key });
    assert.deepEqual(again, found);
    return [`${found.fileList.length} files, twice the same`, found];
});

await step("readFile", async () => {
    const { name } = list.fileList[0];
    const file = await sdk.readFile({ sessionKey: session.key, privateKey: read.privateKey, fileName: name });
    return [`${name}, ${file.fileData.length} bytes, ${JSON.stringify(file.fileMetadata)}`];
});

await step("readAccounts", async () => {
    const { accounts } = await sdk.readAccounts({ sessionKey: session.key, privateKey: read.privateKey });
    assert.deepEqual(accounts.accounts.map(({ id }) => id), Object.keys(list.status.details));
    return [accounts.accounts.map(({ id, service }) => `${id} at ${service.name}`).join()];
});

await please("let every access token be over");

reading = await step("readSession with an access token that is over", async () => {
    const answer = await sdk.readSession({ contractDetails: read, userAccessToken: reading });
    isSession(answer.session);
    assert.notEqual(answer.userAccessToken.accessToken.value, reading.accessToken.value);
    assert.notEqual(answer.userAccessToken.refreshToken.value, reading.refreshToken.value);
    return ["a session and new tokens", areTokens(answer.userAccessToken)];
});

await step("readSession with what is to be read, compressed", async () => {
    const scope = { serviceGroups: [{ id: 3, serviceTypes: [{ id: first.id, serviceObjectTypes: [{ id: 202 }] }] }] };
    const sessionOptions = { scope, limits: LIMITS, accept: { compression: "gzip" } };
    const answer = await sdk.readSession({ contractDetails: read, userAccessToken: reading, sessionOptions });
    const files = await allFiles(answer.session, read);
    assert.ok(files.size > 0 && files.size < list.fileList.length);
    for (const name of files.keys()) {
        const plain = await fetch(`${run.baseUrl}permission-access/query/${answer.session.key}/${name}`);
        const said = JSON.parse(Buffer.from(plain.headers.get("x-metadata"), "base64url"));
        assert.equal(said.compression, "gzip");
    }
    return [areMapped(files, first)];
});

// --------------------------------------------------------------------------------------------- a further service

await please("let every access token be over");

await step("getOnboardServiceUrl with an access token that is over, and its page", async () => {
    const asked = { contractDetails: read, userAccessToken: reading, callback: run.callback, serviceId: second.id };
    const answer = await sdk.getOnboardServiceUrl(asked);
    assert.notEqual(answer.userAccessToken.accessToken.value, reading.accessToken.value);
    reading = areTokens(answer.userAccessToken);
    const end = await decided(answer.url, "allow", {}, second);
    assert.equal(end.href, `${run.callback}${run.callback.includes("?") ? "&" : "?"}success=true`);
    return [areMapped(await allFiles(isSession(answer.session), read), second)];
});

// ------------------------------------------------------------------------------------------- writing and reading raw

const pushing = await letIn("write contract", write, { userAccessToken: reading }, "allow");

const push = (tokens) =>
    sdk.write({
        contractDetails: write,
        userAccessToken: tokens,
        postboxId: pushing.said.postboxId,
        publicKey: pushing.said.publicKey,
        data: { fileData: PUSHED, fileName: "receipt.pdf", fileDescriptor: DESCRIPTOR },
    });

await step("write", async () => {
    const answer = await push(pushing.tokens);
    assert.equal(answer.status, "delivered");
    assert.deepEqual(answer.userAccessToken, pushing.tokens);
    isToCome(answer.expires);
    return [`${answer.status} until ${answer.expires}`];
});

const rawReading = await letIn("read-raw contract", raw, { userAccessToken: pushing.tokens }, "allow");

/** The files of a new session, each of which is what was pushed. */
async function readBack(sessionOptions) {
    const asked = { contractDetails: raw, userAccessToken: rawReading.tokens, sessionOptions };
    const { session } = await sdk.readSession(asked);
    const files = [...(await allFiles(session, raw)).values()];
    for (const { fileData, fileMetadata } of files) {
        assert.ok(fileData.equals(PUSHED));
        const { mimetype, accounts, reference, tags } = fileMetadata;
        assert.deepEqual({ mimetype, accounts, reference, tags }, LOWERED);
    }
    return files;
}

await step("readSession and readAllFiles of what was written", async () => {
    const files = await readBack();
    assert.equal(files.length, 1);
    return [`${files[0].fileName}, ${files[0].fileData.length} bytes, ${JSON.stringify(files[0].fileMetadata)}`];
});

await step("readSession and readAllFiles by criteria", async () => {
    const by = (tags) => readBack({ scope: { criteria: [{ metadata: { tags, mimeType: [LOWERED.mimetype] } }] } });
    const counts = [(await by(["t"])).length, (await by(["another"])).length];
    assert.deepEqual(counts, [1, 0]);
    return ["found by its tag, not by another"];
});

await please("let every access token be over");

await step("write with an access token that is over", async () => {
    const answer = await push(pushing.tokens);
    assert.equal(answer.status, "delivered");
    pushing.tokens = areTokens(answer.userAccessToken);
    return ["delivered at the second try, with new tokens"];
});

// ------------------------------------------------------------------------------------------------------- refusals

const elsewhere = { ...read, redirectUri: "https://elsewhere.example/" };
await refuses("an unknown redirect URI", "InvalidRedirectUri", () => authorizing(elsewhere));
await refuses("an unknown contract", "InvalidClient", () => authorizing({ ...read, contractId: "nobodys" }));
const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
});
await refuses("another key", "InvalidJWT", () => authorizing({ ...read, privateKey }));
const wide = { pull: { scope: { serviceGroups: [{ id: 101 }] } } };
await refuses("a scope that is too wide", "ScopeOutOfBounds", () => authorizing(narrow, { sessionOptions: wide }));
await refuses("reading with a write contract", "InvalidContractDataRequest", () =>
    sdk.readSession({ contractDetails: write, userAccessToken: pushing.tokens }),
);
await refuses("a file that is not there", "NotFound", () =>
    sdk.readFile({ sessionKey: session.key, privateKey: read.privateKey, fileName: "nothing.json" }),
);

await step("denying consent", async () => {
    const end = await decided((await authorizing(read)).url, "deny");
    assert.equal(end.searchParams.get("success"), "false");
    assert.equal(end.searchParams.get("errorCode"), "USER_CANCEL");
    return [end.href];
});

const other = await letIn("somebody who signs in", narrow, {}, "allow", run.person);
await refuses("a code that was used", "InvalidToken", () => exchanged(narrow, other.begun, other.said));
await refuses("the tokens of a code that was used twice", "InvalidToken", () =>
    sdk.readSession({ contractDetails: narrow, userAccessToken: other.tokens }),
);

// ----------------------------------------------------------------------------------------------------------- the end

reading = await step("readSession once more", async () => {
    const answer = await sdk.readSession({ contractDetails: read, userAccessToken: reading });
    return ["with new tokens", areTokens(answer.userAccessToken)];
});

await step("deleteUser", async () => {
    const answer = await sdk.deleteUser({ contractDetails: read, userAccessToken: reading });
    assert.equal(answer.deleted, true);
    return [`${answer.response.statusCode}`];
});

for (const [name, contract, tokens] of [
    ["reading", read, reading],
    ["reading raw", raw, rawReading.tokens],
]) {
    await refuses(`${name} a library that was deleted`, "InvalidToken", () =>
        sdk.readSession({ contractDetails: contract, userAccessToken: tokens }),
    );
}
await refuses("writing to a library that was deleted", "InvalidToken", () => push(pushing.tokens));

console.log(`${count} steps are right`);
input.close();
