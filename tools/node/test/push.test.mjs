/* push.test.mjs - what is signed is taken, everything else is refused by its name. */
import assert from "node:assert/strict";
import test from "node:test";
import { Webhook } from "standardwebhooks";
import { PUSH_FAULTS, PushError, signPush, verifyPush } from "../src/index.js";
import { access, SECRET } from "./stand_in.mjs";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const STAMP = String(NOW / 1000);
const OTHER = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
const BODY = JSON.stringify({ type: "access.changed", timestamp: "2026-06-01T12:00:00Z", data: access() });
const signed = await signPush({ id: "msg_1", body: BODY, secret: SECRET, now: NOW });
const signature = signed["webhook-signature"];
const by = async (secret, more = {}) =>
    ({ ...(await signPush({ id: "msg_1", body: BODY, secret, now: NOW, ...more })) });
const withBody = async (body) => ({ body, headers: await by(SECRET, { body }) });
const at = (seconds) => by(SECRET, { now: NOW + seconds * 1000 });

/** name, what differs from a good push, the code or null */
const TABLE = [
    ["a good one", {}, null],
    ["bytes instead of text", { body: new TextEncoder().encode(BODY) }, null],
    ["Headers of fetch", { headers: new Headers(signed) }, null],
    ["names in capitals", { headers: Object.fromEntries(Object.entries(signed).map(([k, v]) => [k.toUpperCase(), v])) }, null],
    ["the secret without its prefix", { secret: SECRET.slice(6) }, null],
    ["300 s late", { headers: await at(-300) }, null],
    ["300 s early", { headers: await at(300) }, null],
    ["two secrets, signed with the old one", { secrets: [OTHER, SECRET] }, null],
    ["two secrets in one text", { secrets: `${OTHER}\n${SECRET}\n` }, null],
    ["two signatures, the second fits", { headers: { ...signed, "webhook-signature": `v1,${"A".repeat(43)}= ${signature}` } }, null],
    ["a signature of another version beside", { headers: { ...signed, "webhook-signature": `v1a,xyz ${signature}` } }, null],

    ["301 s late", { headers: await at(-301) }, "timestamp_old"],
    ["301 s early", { headers: await at(301) }, "timestamp_new"],
    ["another secret", { secret: OTHER }, "signature_bad"],
    ["a byte of the body changed", { body: BODY.replace("true", "True") }, "signature_bad"],
    ["another id", { headers: { ...signed, "webhook-id": "msg_2" } }, "signature_bad"],
    ["another time", { headers: { ...signed, "webhook-timestamp": String(NOW / 1000 + 1) } }, "signature_bad"],
    ["a dot moved from id to time", { headers: { ...signed, "webhook-id": "msg_1.1" } }, "signature_bad"],
    ["only a signature of another version", { headers: { ...signed, "webhook-signature": signature.replace("v1,", "v2,") } }, "signature_bad"],
    ["a short signature", { headers: { ...signed, "webhook-signature": "v1,AAAA" } }, "signature_bad"],
    ["an empty signature", { headers: { ...signed, "webhook-signature": "v1," } }, "signature_bad"],
    ["no base64", { headers: { ...signed, "webhook-signature": `v1,${"*".repeat(44)}` } }, "signature_bad"],
    ["base64 of URLs", { headers: { ...signed, "webhook-signature": `v1,${"-".repeat(43)}=` } }, "signature_bad"],
    ["17 signatures", { headers: { ...signed, "webhook-signature": Array(17).fill(signature).join(" ") } }, "header_bad"],
    ["a signature header of 5,000 bytes", { headers: { ...signed, "webhook-signature": "v".repeat(5000) } }, "header_bad"],
    ["no id", { headers: { ...signed, "webhook-id": undefined } }, "header_missing"],
    ["no headers", { headers: {} }, "header_missing"],
    ["headers are null", { headers: null }, "header_missing"],
    ["an empty id", { headers: { ...signed, "webhook-id": "" } }, "header_bad"],
    ["an id of 300 bytes", { headers: { ...signed, "webhook-id": "m".repeat(300) } }, "header_bad"],
    ["an id with a line break", { headers: { ...signed, "webhook-id": "a\r\nb" } }, "header_bad"],
    ["a header twice", { headers: { ...signed, "Webhook-Id": "msg_1" } }, "header_bad"],
    ["a header as a list", { headers: { ...signed, "webhook-id": ["msg_1", "msg_2"] } }, "header_bad"],
    ["a time with a sign", { headers: { ...signed, "webhook-timestamp": `+${STAMP}` } }, "header_bad"],
    ["a time with a fraction", { headers: { ...signed, "webhook-timestamp": `${STAMP}.0` } }, "header_bad"],
    ["a time in hex", { headers: { ...signed, "webhook-timestamp": "0x6A0" } }, "header_bad"],
    ["a time in words", { headers: { ...signed, "webhook-timestamp": "NaN" } }, "header_bad"],
    ["no secret", { secret: undefined }, "secret_bad"],
    ["an empty secret", { secret: "whsec_" }, "secret_bad"],
    ["a secret of 4 bytes", { secret: "whsec_AAAAAA==" }, "secret_bad"],
    ["a secret that is no base64", { secret: "whsec_hello there" }, "secret_bad"],
    ["a list with an empty secret only", { secrets: [""] }, "secret_bad"],
    ["a long body", await withBody(`"${"x".repeat(70000)}"`), "body_big"],
    ["signed, no JSON", await withBody("hello"), "body_bad"],
    ["signed, JSON of no object", await withBody("null"), "body_bad"],
    ["signed, no type", await withBody("{}"), "body_bad"],
    ["signed, another type", await withBody('{"type":"ping","data":{}}'), "type_unknown"],
    ["signed, no data", await withBody('{"type":"access.changed"}'), "access_bad"],
    ...await Promise.all([
        { member: "" }, { member: 7 }, { version: "2" }, { version: -1 }, { version: 1.5 }, { access: "yes" },
        { until: "soon" }, { features: "member" }, { features: [1] }, { state: null }, { asOf: 5 },
    ].map(async (wrong) => [`signed, ${JSON.stringify(wrong)}`,
        await withBody(JSON.stringify({ type: "access.changed", data: access(wrong) })), "access_bad"])),
];

for (const [name, differs, code] of TABLE) {
    test(`push: ${name}`, async () => {
        const push = { headers: signed, body: BODY, secret: SECRET, now: NOW, ...differs };
        if (code === null) {
            assert.deepEqual(await verifyPush(push), access());
        } else {
            await assert.rejects(verifyPush(push), (error) => {
                assert.ok(error instanceof PushError, String(error.stack));
                assert.equal(error.code, code);
                assert.equal(error.status, PUSH_FAULTS[code][0]);
                return true;
            });
        }
    });
}

test("push: every fault has a row in the table", () => {
    const seen = new Set(TABLE.map(([, , code]) => code));
    assert.deepEqual(Object.keys(PUSH_FAULTS).filter((code) => !seen.has(code)), []);
});

test("push: a body that was parsed is the caller's mistake", async () => {
    const push = { headers: signed, body: JSON.parse(BODY), secret: SECRET, now: NOW };
    await assert.rejects(verifyPush(push), TypeError);
});

test("push: fields that nobody knows are left out", async () => {
    const body = JSON.stringify({ type: "access.changed", data: access({ __proto__: null, more: 1 }) });
    const push = { ...(await withBody(body)), secret: SECRET, now: NOW };
    assert.deepEqual(await verifyPush(push), access());
});

test("push: what we sign, the reference library verifies", async () => {
    const headers = await signPush({ id: "msg_9", body: BODY, secret: SECRET });
    assert.deepEqual(new Webhook(SECRET).verify(BODY, headers), JSON.parse(BODY));
});

test("push: what the reference library signs, we verify", async () => {
    for (const body of [BODY, BODY.replace("invoice", "Rechnung für Łukasz 🙂")]) {
        const headers = {
            "webhook-id": "msg_9",
            "webhook-timestamp": STAMP,
            "webhook-signature": new Webhook(SECRET).sign("msg_9", new Date(NOW), body),
        };
        const push = { headers, body, secrets: [OTHER, SECRET], now: NOW };
        assert.equal((await verifyPush(push)).member, "mem_1");
    }
});

test("push: the reference library refuses what we refuse", async () => {
    const headers = await signPush({ id: "msg_9", body: BODY, secret: OTHER });
    assert.throws(() => new Webhook(SECRET).verify(BODY, headers));
});
