/* token.test.mjs - usher's tokens, and those of others. */
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import test from "node:test";
import { createAccess, memoryStore, TokenError, TOKEN_FAULTS } from "../src/index.js";
import { access, clock, KEY, SECRET, standIn } from "./stand_in.mjs";

const pairOf = (kid) => ({ kid, ...generateKeyPairSync("ed25519") });
const jwkOf = ({ kid, publicKey }) =>
    ({ ...publicKey.export({ format: "jwk" }), kid, alg: "EdDSA", use: "sig" });
const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const ONE = pairOf("k1");
const TWO = pairOf("k2");
const START = Date.parse("2026-06-01T12:00:00Z") / 1000;

function make({ pair = ONE, header = {}, claims = {}, of = access() } = {}) {
    const head = encode({ alg: "EdDSA", typ: "JWT", kid: pair.kid, ...header });
    const body = encode({ iss: "usher", sub: of?.member, iat: START, exp: START + 300, access: of, ...claims });
    return `${head}.${body}.${sign(null, Buffer.from(`${head}.${body}`), pair.privateKey).toString("base64url")}`;
}

const [HEAD, CLAIMS, SIGNATURE] = make().split(".");
const none = `${encode({ alg: "none" })}.${CLAIMS}.`;
const hmacHead = encode({ alg: "HS256", kid: "k1" });
const hmac = (key) => `${hmacHead}.${CLAIMS}.${createHmac("sha256", key).update(`${hmacHead}.${CLAIMS}`).digest("base64url")}`;

/** name, token, seconds after it was issued, code or null */
const TABLE = [
    ["a good one", make(), 0, null],
    ["its last second", make(), 299, null],
    ["within the leeway", make(), 359, null],
    ["expired", make(), 360, "token_expired"],
    ["issued 60 s from now", make(), -60, null],
    ["issued 61 s from now", make(), -61, "token_early"],
    ["alg none", none, 0, "token_algorithm"],
    ["alg None", none.replace(encode({ alg: "none" }), encode({ alg: "None" })), 0, "token_algorithm"],
    ["alg none with a good signature", make({ header: { alg: "none" } }), 0, "token_algorithm"],
    ["alg HS256 with the public key as its secret", hmac(ONE.publicKey.export({ type: "spki", format: "pem" })), 0, "token_algorithm"],
    ["alg ES256", make({ header: { alg: "ES256" } }), 0, "token_algorithm"],
    ["alg Ed25519", make({ header: { alg: "Ed25519" } }), 0, "token_algorithm"],
    ["alg as a list", make({ header: { alg: ["EdDSA"] } }), 0, "token_algorithm"],
    ["no kid", make({ header: { kid: undefined } }), 0, "token_bad"],
    ["crit", make({ header: { crit: ["exp"] } }), 0, "token_bad"],
    ["an unknown kid", make({ pair: TWO }), 0, "token_key"],
    ["a kid of the prototype", make({ header: { kid: "constructor" } }), 0, "token_key"],
    ["another's signature under a known kid", make({ pair: { ...TWO, kid: "k1" } }), 0, "token_signature"],
    ["its own key in the header", make({ pair: { ...TWO, kid: "k1" }, header: { jwk: jwkOf(TWO) } }), 0, "token_signature"],
    ["claims changed", `${HEAD}.${encode({ iss: "usher", sub: "mem_2" })}.${SIGNATURE}`, 0, "token_signature"],
    ["a signature cut short", `${HEAD}.${CLAIMS}.${SIGNATURE.slice(0, -4)}`, 0, "token_bad"],
    ["two parts", `${HEAD}.${CLAIMS}`, 0, "token_bad"],
    ["four parts", `${make()}.x`, 0, "token_bad"],
    ["padding", `${HEAD}.${CLAIMS}.${SIGNATURE}==`, 0, "token_bad"],
    ["not a text", 7, 0, "token_bad"],
    ["nothing", undefined, 0, "token_bad"],
    ["long", "a".repeat(20000), 0, "token_bad"],
    ["a header that is no JSON", `${encode("{")}.${CLAIMS}.${SIGNATURE}`, 0, "token_algorithm"],
    ["another issuer", make({ claims: { iss: "other" } }), 0, "token_claims"],
    ["another subject than the access object's", make({ claims: { sub: "mem_2" } }), 0, "token_claims"],
    ["no exp", make({ claims: { exp: undefined } }), 0, "token_claims"],
    ["exp as text", make({ claims: { exp: String(START + 300) } }), 0, "token_claims"],
    ["exp that never comes", make({ claims: { exp: 1e300 } }), 0, "token_claims"],
    ["no iat", make({ claims: { iat: undefined } }), 0, "token_claims"],
    ["no access", make({ of: null }), 0, "token_claims"],
    ["access that is no boolean", make({ of: access({ access: 1 }) }), 0, "token_claims"],
];

async function stage(t, options = {}) {
    const usher = await standIn(t);
    usher.keys = [jwkOf(ONE)];
    const now = clock();
    const app = createAccess({ baseUrl: usher.url, apiKey: KEY, pushSecret: SECRET, now,
        store: memoryStore(), onError: () => {}, ...options });
    return { usher, now, app };
}

const code = (wanted) => (error) => {
    assert.ok(error instanceof TokenError, String(error.stack));
    assert.equal(error.code, wanted);
    assert.equal(error.decided, "token_bad");
    return true;
};

for (const [name, token, seconds, wanted] of TABLE) {
    test(`token: ${name}`, async (t) => {
        const { now, app } = await stage(t);
        now.move(seconds);
        if (wanted === null) {
            const answer = await app.verifyToken(token);
            assert.deepEqual(answer, { ...access(), stale: false, decided: "token_on", exp: START + 300 });
        } else {
            await assert.rejects(app.verifyToken(token), code(wanted));
        }
    });
}

test("token: every fault is tested", () => {
    const elsewhere = ["token_keys_unheard", "token_local"];
    const seen = new Set([...TABLE.map((row) => row[3]), ...elsewhere]);
    assert.deepEqual(Object.keys(TOKEN_FAULTS).filter((fault) => !seen.has(fault)), []);
});

test("token: keys are asked for once, and for an unknown kid once a minute", async (t) => {
    const { usher, now, app } = await stage(t);
    await Promise.all([app.verifyToken(make()), app.verifyToken(make())]);
    await assert.rejects(app.verifyToken(make({ pair: TWO })), code("token_key"));
    assert.equal(usher.asked.length, 1);
    usher.keys = [jwkOf(ONE), jwkOf(TWO)]; // usher has a new key
    now.move(59);
    await assert.rejects(app.verifyToken(make({ pair: TWO })), code("token_key"));
    assert.equal(usher.asked.length, 1);
    now.move(1);
    assert.equal((await app.verifyToken(make({ pair: TWO }))).access, true);
    assert.equal(usher.asked.length, 2);
});

test("token: a key that usher no longer has ends within the hour", async (t) => {
    const { usher, now, app } = await stage(t);
    await app.verifyToken(make());
    usher.keys = [jwkOf(TWO)];
    now.move(3600);
    const late = { iat: START + 3600, exp: START + 3900 };
    await assert.rejects(app.verifyToken(make({ claims: late })), code("token_key"));
});

test("token: known keys do without usher, for a day", async (t) => {
    const { usher, now, app } = await stage(t);
    await app.verifyToken(make());
    usher.down();
    now.move(7200);
    const claims = (at) => ({ iat: START + at, exp: START + at + 300 });
    assert.equal((await app.verifyToken(make({ claims: claims(7200) }))).decided, "token_on");
    now.move(24 * 3600);
    await assert.rejects(app.verifyToken(make({ claims: claims(31 * 3600) })), code("token_keys_unheard"));
});

test("token: without usher and without keys nothing is taken", async (t) => {
    const { usher, app } = await stage(t);
    usher.down();
    await assert.rejects(app.verifyToken(make()), code("token_keys_unheard"));
});

test("token: keys of other kinds are passed over", async (t) => {
    const { usher, app } = await stage(t);
    const x = jwkOf(ONE).x;
    usher.keys = [
        { kty: "oct", k: "AAAA", kid: "k1" }, { kty: "OKP", crv: "X25519", x, kid: "k1" },
        { ...jwkOf(ONE), alg: "HS256" }, { ...jwkOf(ONE), use: "enc" }, { ...jwkOf(ONE), x: "AAAA" },
    ];
    await assert.rejects(app.verifyToken(make()), code("token_key"));
});

test("token: a newer answer that is known wins", async (t) => {
    const { usher, app } = await stage(t);
    usher.people.mem_1 = access({ version: 2, access: false });
    await app.get("mem_1");
    const answer = await app.verifyToken(make());
    assert.equal(answer.decided, "token_off");
    assert.equal(answer.access, false);
});

test("token: usher's token is handed out, and not from memory", async (t) => {
    const { usher, app } = await stage(t);
    usher.people["ada@example.com"] = access();
    usher.token = make();
    await app.get("ada@example.com");
    assert.equal(await app.token("Ada@example.com"), usher.token);
    assert.equal(await app.token("bob@example.com"), null);
    assert.equal(usher.asked[1].etag, undefined);
});
