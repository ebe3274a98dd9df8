// look.mjs - every view in every state in both sizes, and in the dark: screenshots, and nothing found wrong.
//
//   BASE=http://127.0.0.1:8081 COOKIE=usher=... VIEWS='["/", ...]' OUT=folder node look.mjs
import { mkdirSync } from "node:fs";
import { Browser, NARROW, ready, SIZES } from "./browser.mjs";

const { BASE, COOKIE, OUT } = process.env;
const VIEWS = JSON.parse(process.env.VIEWS);
const THEMES = ["light", "dark"];

// How an answer of the API is changed so that a view shows a state that the fleet is not in now.
const STATES = {
    full: null,
    empty: (body) => Object.fromEntries(Object.entries(body).map(([key, value]) =>
        [key, Array.isArray(value) && key !== "tiles" && key !== "steps" ? [] : value])),
    stale: (body) => ({ ...body, fleet: "down" }),
    partial: (body) => ({ ...body, partial: ["crm", "mailer"] }),
    error: "500",
    loading: "never",
};

function isData(url) {
    return url.pathname.startsWith("/api/v1/") && !/\/(me|live)$/.test(url.pathname);
}

async function put(page, state) {
    await page.unrouteAll({ behavior: "ignoreErrors" });
    const change = STATES[state];
    if (change) {
        await page.route(isData, async (route) => {
            if (change === "never") {
                return; // no answer
            }
            if (change === "500") {
                await route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"status":500,"title":"that went wrong"}' });
                return;
            }
            const answer = await route.fetch();
            await route.fulfill({ response: answer, json: change(await answer.json()) });
        });
    }
}

async function open(page, view, state) {
    page.expects = state === "error" ? /500/ : null;
    await put(page, state);
    await page.goto(BASE + view);
    await (state === "loading" ? page.waitForSelector(".skeleton") : ready(page));
}

const browser = await new Browser(BASE).start();
let shots = 0;
mkdirSync(OUT, { recursive: true });
for (const [size, viewport] of Object.entries(SIZES)) {
    for (const theme of THEMES) {
        const page = await browser.page(viewport, theme, COOKIE);
        for (const [name, view] of Object.entries(VIEWS)) {
            for (const state of theme === "dark" ? ["full"] : Object.keys(STATES)) {
                await open(page, view, state);
                await browser.audit(page, `${name} ${state} ${size} ${theme}`);
                await page.screenshot({ path: `${OUT}/${name}-${state}-${size}-${theme}.png`, fullPage: true });
                shots++;
            }
        }
        await page.context().close();
    }
}
const narrow = await browser.page(NARROW, "light", COOKIE);
for (const [name, view] of Object.entries(VIEWS)) {
    await open(narrow, view, "full");
    await browser.audit(narrow, `${name} at 320`);
}
const out = await browser.page(SIZES.phone, "light");
for (const path of ["/login", "/welcome?token=x"]) {
    out.expects = /404/;
    await out.goto(BASE + path);
    await browser.audit(out, path);
    await out.screenshot({ path: `${OUT}/${path.slice(1, 6)}-phone.png`, fullPage: true });
    shots++;
}
await browser.stop();
console.log(JSON.stringify({ shots, faults: [...new Set(browser.faults)] }));
