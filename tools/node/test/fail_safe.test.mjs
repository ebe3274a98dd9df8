/* fail_safe.test.mjs - one test a row: a real question to a stand-in that misbehaves. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { AccessDenied, createAccess, FAIL_SAFE, failSafe, failSafeText, memoryStore } from "../src/index.js";
import { access, clock, KEY, SECRET, standIn } from "./stand_in.mjs";

const ADA = "ada@example.com";
const HOUR = 3600;
const on = access({ member: "mem_1" });
const off = access({ member: "mem_1", access: false, state: "ended" });
const ends = access({ member: "mem_1", until: "2026-06-01T13:00:00Z" }); // an hour after the clock's start
const status = (code, more = {}) => ({ status: code, ...more });

/** The row; what usher says first (null: nobody asks); seconds later; what it says then; the wish. */
const TABLE = [
    ["on", null, 0, { body: on }],
    ["on", on, 59, { hang: true }], // not asked again
    ["off", null, 0, { body: off }],
    ["off", off, 59, { hang: true }],
    ["off", on, 61, { body: { ...off, version: 2 } }],
    ["stranger", null, 0, status(404)],
    ["stranger", on, 61, status(404)],
    ["key_refused", null, 0, status(401)],
    ["key_refused", on, 61, status(401)],
    ["key_refused", on, 61, status(403)],
    ["refused", on, 61, status(400)],
    ["refused", on, 61, status(451)],
    ["no_answer", on, 0, status(503), { fresh: true }],
    ["no_answer", null, 0, status(503), { fresh: true }],
    ["stale_on", on, 61, status(503)],
    ["stale_on", on, 61, status(500)],
    ["stale_on", on, 61, status(429)],
    ["stale_on", on, 61, status(408)],
    ["stale_on", on, 61, { hang: true }],
    ["stale_on", on, 61, status(302, { headers: { location: "/api/v1/access/mem_1" } })],
    ["stale_on", on, 61, { body: "<html>a proxy's page</html>" }],
    ["stale_on", on, 61, { body: { access: true } }],
    ["stale_on", on, 61, { body: `"${"x".repeat(70000)}"` }],
    ["stale_on", on, 24 * HOUR - 1, status(503)],
    ["stale_on", ends, 2 * HOUR - 1, status(503)],
    ["stale_off", off, 61, status(503)],
    ["ended", ends, 2 * HOUR, status(503)],
    ["too_old", on, 24 * HOUR, status(503)],
    ["too_old", off, 24 * HOUR, status(503)],
    ["unheard", null, 0, status(503)],
    ["unheard", null, 0, { body: "[]" }],
    ["unheard", null, 0, status(304)],
];

for (const [id, first, later, second, wish] of TABLE) {
    const row = FAIL_SAFE.find((one) => one.id === id);
    const known = first ? `known ${first.access ? "on" : "off"}, ${later} s` : "unknown";
    test(`fail-safe: ${id}: ${known}, ${JSON.stringify(second).slice(0, 60)}`, async (t) => {
        const usher = await standIn(t);
        const now = clock();
        const errors = [];
        const app = createAccess({ baseUrl: usher.url, apiKey: KEY, pushSecret: SECRET, now,
            timeoutMs: 200, store: memoryStore(), onError: (error) => errors.push(error.code) });
        if (first) {
            usher.script.push({ body: first });
            await app.get(ADA);
            now.move(later);
        }
        usher.script.push(second);
        const answer = await app.get(ADA, wish);
        assert.equal(answer.decided, id);
        assert.equal(answer.access, row.allow);
        assert.equal(answer.stale, row.stale);
        assert.deepEqual(errors, row.loud ? [id] : []);
        assert.deepEqual(Object.keys(answer).sort(), ["access", "asOf", "decided", "features",
            "member", "reason", "stale", "state", "until", "version"]);
        usher.script = [second];
        const guarded = app.requireAccess(ADA, wish);
        await (row.allow ? guarded : assert.rejects(guarded, (error) => {
            assert.ok(error instanceof AccessDenied);
            assert.equal(error.reason, id);
            return true;
        }));
    });
}

test("fail-safe: every row is tested here; those of tokens in token.test.mjs", () => {
    const seen = new Set(TABLE.map(([id]) => id));
    const left = FAIL_SAFE.filter((row) => !seen.has(row.id) && row.heard !== "token");
    assert.deepEqual(left, []);
});

test("fail-safe: what fits no row is denied, and said", () => {
    for (const situation of [{}, { heard: "fresh", known: "none", must: "any" }, { heard: "x", known: "on", must: "any" }]) {
        const { id, allow, loud } = failSafe(situation);
        assert.deepEqual({ id, allow, loud }, { id: "otherwise", allow: false, loud: true });
    }
});

test("fail-safe: only three rows let anybody in", () => {
    const allowed = FAIL_SAFE.filter((row) => row.allow).map((row) => row.id);
    assert.deepEqual(allowed, ["on", "stale_on", "token_on"]);
});

test("fail-safe: the README prints the table", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    assert.ok(readme.includes(failSafeText()), `README.md needs:\n${failSafeText()}`);
});

test("fail-safe: usher is away altogether", async (t) => {
    const usher = await standIn(t);
    const now = clock();
    const app = createAccess({ baseUrl: usher.url, apiKey: KEY, now, store: memoryStore() });
    usher.people[ADA] = on;
    await app.get(ADA);
    usher.down();
    now.move(61);
    assert.equal((await app.get(ADA)).decided, "stale_on");
    assert.equal((await app.get("bob@example.com")).decided, "unheard");
});

test("fail-safe: after silence known members do not wait for usher, for 5 s", async (t) => {
    const usher = await standIn(t);
    const now = clock();
    const app = createAccess({ baseUrl: usher.url, apiKey: KEY, now, store: memoryStore() });
    usher.people[ADA] = on;
    await app.get(ADA);
    now.move(61);
    usher.script.push(status(503));
    await app.get(ADA);
    assert.equal((await app.get(ADA)).decided, "stale_on");
    assert.equal(usher.asked.length, 2);
    now.move(5);
    assert.equal((await app.get(ADA)).decided, "on");
    assert.equal(usher.asked.length, 3);
});
