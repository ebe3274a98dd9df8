/* access.test.mjs - pull, push, memory, and the order of versions. */
import assert from "node:assert/strict";
import test from "node:test";
import { createAccess, memoryStore, signPush } from "../src/index.js";
import { access, clock, KEY, SECRET, standIn } from "./stand_in.mjs";

const ADA = "ada@example.com";
const OTHER = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;

async function stage(t, options = {}) {
    const usher = await standIn(t);
    const now = clock();
    const errors = [];
    const app = createAccess({ baseUrl: usher.url, apiKey: KEY, pushSecret: SECRET, now,
        store: memoryStore(), onError: (error) => errors.push(error.code), ...options });
    const push = async (data, { id = `msg_${data.version}`, secret = SECRET, at = now(), ...init } = {}) => {
        const body = JSON.stringify({ type: "access.changed", timestamp: new Date(at).toISOString(), data });
        const headers = await signPush({ id, body, secret, now: at });
        const response = await app.handlePush(
            new Request("http://app/api/usher", { method: "POST", headers, body, ...init }));
        return [response.status, await response.json()];
    };
    return { usher, now, app, push, errors };
}

test("pull: once, then from memory, then with its ETag", async (t) => {
    const { usher, now, app } = await stage(t);
    usher.people[ADA] = access();
    for (const name of [ADA, " Ada@Example.com ", "mem_1"]) {
        assert.equal((await app.get(name)).decided, "on");
    }
    assert.equal(usher.asked.length, 1);
    now.move(60);
    assert.equal((await app.get(ADA)).decided, "on");
    assert.deepEqual(usher.asked.map(({ path, key, etag }) => [path, key, etag]), [
        ["/api/v1/access/ada%40example.com", `Bearer ${KEY}`, undefined],
        ["/api/v1/access/ada%40example.com", `Bearer ${KEY}`, '"mem_1-1"'],
    ]);
    now.move(59);
    await app.get(ADA); // "not modified" is an answer, too
    assert.equal(usher.asked.length, 2);
});

test("pull: many at once are one question", async (t) => {
    const { usher, app } = await stage(t);
    usher.people[ADA] = access();
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.get(ADA)));
    assert.ok(answers.every((answer) => answer.access));
    assert.equal(usher.asked.length, 1);
});

test("pull: fresh asks whatever is known", async (t) => {
    const { usher, app } = await stage(t);
    usher.people[ADA] = access();
    await app.get(ADA);
    usher.people[ADA] = access({ version: 2, access: false });
    assert.equal((await app.get(ADA)).access, true);
    assert.equal((await app.get(ADA, { fresh: true })).access, false);
});

test("pull: a stranger is not remembered, so that the first page after paying opens", async (t) => {
    const { usher, app } = await stage(t);
    assert.equal((await app.get(ADA)).decided, "stranger");
    usher.people[ADA] = access();
    assert.equal((await app.get(ADA)).decided, "on");
});

test("pull: the end of a period is no end before usher was asked", async (t) => {
    const { usher, now, app } = await stage(t);
    usher.people[ADA] = access({ until: "2026-06-01T12:00:30Z" });
    await app.get(ADA);
    now.move(30);
    usher.people[ADA] = access({ version: 2, until: "2026-07-01T12:00:00Z" });
    assert.equal((await app.get(ADA)).version, 2);
});

test("pull: a name that went to another member is noticed", async (t) => {
    const { usher, now, app } = await stage(t);
    usher.people[ADA] = access();
    await app.get(ADA);
    usher.people[ADA] = access({ member: "mem_2", access: false });
    now.move(60);
    const answer = await app.get(ADA);
    assert.deepEqual([answer.member, answer.access], ["mem_2", false]);
});

test("pull: an answer older than a push is dropped", async (t) => {
    const { usher, now, app, push } = await stage(t);
    usher.people[ADA] = access();
    await app.get(ADA);
    await push(access({ version: 3, access: false }));
    usher.people[ADA] = access({ version: 2 }); // what the console has read is a little behind
    now.move(60);
    assert.deepEqual((await app.get(ADA)).version, 3);
});

test("pull: what names nobody is not asked for", async (t) => {
    const { usher, app } = await stage(t);
    for (const who of ["", " ", ".", "..", "keys", "a\nb", "a\0", "\ud800", "x".repeat(321), null, undefined, 7, {}]) {
        assert.equal((await app.get(who)).decided, "stranger", JSON.stringify(who));
    }
    assert.equal(usher.asked.length, 0);
});

test("pull: a name is one part of the path, whatever is in it", async (t) => {
    const { usher, app } = await stage(t);
    for (const who of ["../members", "mem_1?x=1#y", "%2e%2e/me", "a/b", "ä@example.com"]) {
        await app.get(who);
        assert.equal(usher.asked.at(-1).path, `/api/v1/access/${encodeURIComponent(who)}`);
    }
});

test("push: at once, also for a name that was asked for before", async (t) => {
    const { usher, app, push } = await stage(t);
    usher.people[ADA] = access({ access: false });
    assert.equal((await app.get(ADA)).access, false);
    const started = performance.now();
    assert.deepEqual(await push(access({ version: 2 })), [200, { taken: true }]);
    assert.equal((await app.get(ADA)).access, true);
    assert.ok(performance.now() - started < 1000);
    assert.equal(usher.asked.length, 1);
});

test("push: again, late, and out of order changes nothing", async (t) => {
    const { app, push } = await stage(t);
    const sent = [[2, true, true], [2, true, false], [1, false, false], [4, false, true], [3, true, false], [4, true, false]];
    for (const [version, on, taken] of sent) {
        assert.deepEqual(await push(access({ version, access: on })), [200, { taken }]);
    }
    const answer = await app.get("mem_1");
    assert.deepEqual([answer.version, answer.access], [4, false]);
});

test("push: a replay does not make an answer young again", async (t) => {
    const { usher, now, app, push } = await stage(t);
    await push(access({ version: 2 }));
    const at = now();
    now.move(60);
    await push(access({ version: 2 }), { at });
    usher.people.mem_1 = access({ version: 3, access: false });
    assert.equal((await app.get("mem_1")).version, 3);
});

test("push: what is refused, and how", async (t) => {
    const { app, push, errors } = await stage(t);
    const at = Date.parse("2026-06-01T11:50:00Z");
    assert.equal((await push(access(), { secret: OTHER }))[0], 401);
    assert.equal((await push(access(), { at }))[0], 401);
    assert.equal((await push(access(), { headers: {} }))[0], 401);
    assert.equal((await push(access({ access: "yes" })))[0], 400);
    assert.equal((await push(access({ reason: "x".repeat(70000) })))[0], 400);
    assert.equal((await app.handlePush(new Request("http://app/", { method: "GET" }))).status, 405);
    assert.equal((await app.handlePush(new Request("http://app/", { method: "POST" }))).status, 401);
    assert.deepEqual(errors, ["signature_bad", "timestamp_old", "header_missing", "access_bad", "body_big"]);
});

test("push: another type that is signed is thanked for", async (t) => {
    const { app, now } = await stage(t);
    const body = '{"type":"ping","data":{}}';
    const headers = await signPush({ id: "msg_1", body, secret: SECRET, now: now() });
    const response = await app.handlePush(new Request("http://app/", { method: "POST", headers, body }));
    assert.equal(response.status, 200);
});

test("push: two secrets while one is being changed", async (t) => {
    const { push } = await stage(t, { pushSecret: `${OTHER} ${SECRET}` });
    assert.equal((await push(access({ version: 1 }), { secret: SECRET }))[0], 200);
    assert.equal((await push(access({ version: 2 }), { secret: OTHER }))[0], 200);
});

test("push: no secret in the settings is usher's to try again, and loud", async (t) => {
    const { push, errors } = await stage(t, { pushSecret: "" });
    assert.equal((await push(access()))[0], 500);
    assert.deepEqual(errors, ["secret_bad"]);
});

test("requireAccess: a feature that is not there", async (t) => {
    const { usher, app } = await stage(t);
    usher.people[ADA] = access();
    await app.requireAccess(ADA, { feature: "member" });
    await assert.rejects(app.requireAccess(ADA, { feature: "vip" }), { reason: "feature_missing" });
});

test("store: one that fails is as good as empty for a page, and no thanks for a push", async (t) => {
    const broken = async () => {
        throw new Error("gone");
    };
    const store = { getMember: broken, putMember: broken, getName: broken, putName: broken };
    const { usher, app, push, errors } = await stage(t, { store });
    usher.people[ADA] = access();
    assert.equal((await app.get(ADA)).decided, "on");
    assert.equal((await push(access({ version: 2 })))[0], 500);
    assert.deepEqual(errors, ["store", "push"]);
});

test("store: an asynchronous one of one's own", async (t) => {
    const memory = memoryStore();
    const store = Object.fromEntries(Object.entries(memory).map(([name, method]) =>
        [name, async (...rest) => JSON.parse(JSON.stringify(method(...rest) ?? null))]));
    const { usher, app, push } = await stage(t, { store });
    usher.people[ADA] = access();
    await app.get(ADA);
    assert.deepEqual(await push(access({ version: 2, access: false })), [200, { taken: true }]);
    assert.equal((await app.get(ADA)).version, 2);
});

test("store: bounded, and the one unused longest goes first", () => {
    const store = memoryStore({ membersMax: 2 });
    const entry = (member) => ({ access: access({ member }), checkedAt: 0, etag: null });
    store.putMember("a", entry("a"));
    store.putMember("b", entry("b"));
    store.getMember("a");
    store.putMember("c", entry("c"));
    assert.deepEqual(["a", "b", "c"].map((member) => store.getMember(member) !== undefined), [true, false, true]);
    store.putMember("__proto__", entry("__proto__"));
    assert.equal(store.getMember("__proto__").access.member, "__proto__");
});

test("store: a version only grows", () => {
    const store = memoryStore();
    const put = (version) => store.putMember("a", { access: access({ version }), checkedAt: version, etag: null });
    assert.deepEqual([put(2), put(1), put(2), put(3)], [true, false, false, true]);
    assert.equal(store.getMember("a").access.version, 3);
});

test("settings: an address that would show the key is refused", () => {
    const bad = ["http://usher.example.com", "ftp://localhost", "usher", "https://a:b@usher.example.com",
        "https://usher.example.com?x", "http://127.0.0.1.example.com", "http://localhost.example.com"];
    for (const baseUrl of bad) {
        assert.throws(() => createAccess({ baseUrl, apiKey: KEY }), TypeError, baseUrl);
    }
    for (const baseUrl of ["https://usher.example.com/", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"]) {
        createAccess({ baseUrl, apiKey: KEY });
    }
    createAccess({ baseUrl: "http://usher:8080", apiKey: KEY, allowHttp: true });
});

test("settings: none is no mistake before somebody asks", async () => {
    const app = createAccess({ baseUrl: "", apiKey: "", store: memoryStore() });
    await assert.rejects(app.get(ADA), /USHER_URL/);
    await assert.rejects(app.requireAccess(ADA), /USHER_URL/);
});

test("settings: two copies of the package in one process share what was pushed", async (t) => {
    const { usher, push } = await stage(t, { store: undefined });
    await push(access({ version: 5 }));
    const again = await import("../src/index.js?again");
    const other = again.createAccess({ baseUrl: usher.url, apiKey: KEY, now: clock() });
    assert.equal((await other.get("mem_1")).version, 5);
    assert.equal(usher.asked.length, 0);
});
