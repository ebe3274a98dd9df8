/* local.test.mjs - usher for development, and never elsewhere. */
import assert from "node:assert/strict";
import test from "node:test";
import { createAccess } from "../src/index.js";

function withEnv(t, values) {
    for (const [name, value] of Object.entries(values)) {
        const before = process.env[name];
        process.env[name] = value;
        t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
    }
}

test("local: people of a table, no network", async () => {
    const fetch = () => assert.fail("no network");
    const app = createAccess({ fetch, local: { "Ada@example.com": { access: true, features: ["member"] },
        "bob@example.com": { access: false, state: "ended" } } });
    const ada = await app.requireAccess("ada@example.com", { feature: "member" });
    assert.deepEqual([ada.decided, ada.state, ada.features], ["on", "active", ["member"]]);
    await assert.rejects(app.requireAccess("bob@example.com"), { reason: "off" });
    await assert.rejects(app.requireAccess("eve@example.com"), { reason: "stranger" });
    await assert.rejects(app.requireAccess(undefined), { reason: "stranger" });
    await assert.rejects(app.verifyToken("a.b.c"), { code: "token_local" });
    assert.equal(await app.token("ada@example.com"), null);
    assert.equal((await app.handlePush(new Request("http://app/", { method: "POST" }))).status, 404);
});

test("local: people of USHER_LOCAL", async (t) => {
    withEnv(t, { USHER_LOCAL: "ada@example.com=member, vip; bob@example.com=;" });
    const app = createAccess();
    assert.deepEqual((await app.get("ada@example.com")).features, ["member", "vip"]);
    assert.equal((await app.get("bob@example.com")).decided, "off");
    assert.equal((await app.get("eve@example.com")).decided, "stranger");
});

for (const [name, options, env] of [
    ["the table", { local: {} }, {}],
    ["the variable", {}, { USHER_LOCAL: "ada@example.com=member" }],
    ["an empty variable", {}, { USHER_LOCAL: "" }],
]) {
    test(`local: never in production: ${name}`, (t) => {
        withEnv(t, { NODE_ENV: "production", ...env });
        assert.throws(() => createAccess(options), /NODE_ENV is production/);
    });
}
