// walk.mjs - what a founder does, step by step, as a person would: each step is named on stdin by the
// test that plays the world around it, and answered on stdout when it is done.
import { createInterface } from "node:readline";
import { Browser, ready, SIZES } from "./browser.mjs";

const { BASE, SIZE, OUT } = process.env;
const browser = await new Browser(BASE).start();
const page = await browser.page(SIZES[SIZE], "light");
let taps = 0;

async function tap(name, role = "button") {
    taps++;
    await page.getByRole(role, { name, exact: false }).first().click();
}

async function why(text) {
    await page.getByLabel("Why?").fill(text);
}

const STEPS = {
    async begin({ link, name, password }) {
        await page.goto(link);
        await page.getByLabel("Your name").fill(name);
        await page.getByLabel("Password").fill(password);
        await page.getByRole("button", { name: "Begin" }).click();
        await ready(page);
        return page.url();
    },
    async sign_in({ name, password, next }) {
        await page.goto(BASE + next);
        await page.getByLabel("Name").fill(name);
        await page.getByLabel("Password").fill(password);
        await page.getByRole("button", { name: "Sign in" }).click();
        await ready(page);
        return page.url().replace(BASE, "");
    },
    async go({ path }) {
        await page.goto(BASE + path);
        await ready(page);
        taps = 0;
    },
    async see({ text, seconds = 20 }) {
        await page.getByText(text, { exact: false }).first().waitFor({ timeout: 1000 * seconds });
    },
    // Live: without loading the page again.
    async see_heading({ text, seconds = 20 }) {
        await page.getByRole("heading", { name: text }).first().waitFor({ timeout: 1000 * seconds });
    },
    async find({ text }) {
        await page.goto(BASE + "/members");
        await page.getByLabel("Find").fill(text);
        await page.locator(".row", { hasText: text }).first().click();
        await page.locator("header.person").waitFor();
        return page.locator("main").innerText();
    },
    async palette({ text }) {
        await page.keyboard.press("Control+k");
        await page.locator(".palette input").fill(text);
        await page.locator(".palette button", { hasText: text }).first().waitFor();
        await page.keyboard.press("Enter");
        await ready(page);
        return page.url().replace(BASE, "");
    },
    async tap({ name, role }) {
        await tap(name, role);
    },
    async fill({ label, text }) {
        await page.getByLabel(label).fill(text);
    },
    async submit({ name }) {
        taps++;
        await page.locator("dialog[open] button[type=submit]", { hasText: name }).click();
        await page.waitForFunction(() => !document.querySelector("dialog[open]"));
    },
    async reason({ text }) {
        await why(text);
    },
    async text() {
        return page.locator("main").innerText();
    },
    async expect_errors({ pattern }) {
        page.expects = pattern ? new RegExp(pattern) : null;
    },
    async shot({ name }) {
        await page.screenshot({ path: `${OUT}/walk-${name}-${SIZE}.png`, fullPage: true });
    },
    async taps() {
        return taps;
    },
    async end() {
        await browser.audit(page, "at the end");
        await browser.stop();
        return browser.faults;
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { step, ...rest } = JSON.parse(line);
    try {
        console.log(JSON.stringify({ said: (await STEPS[step](rest)) ?? null }));
    } catch (error) {
        await page.screenshot({ path: `${OUT}/failed-${SIZE}.png`, fullPage: true }).catch(() => {});
        console.log(JSON.stringify({ failed: `${step}: ${error.message}` }));
    }
    if (step === "end") {
        break;
    }
}
