// browser.mjs - real Chromium on the console's pages, and everything that must not happen there.
//
// A page that is watched fails the run when it reports a violation of the policy, logs an error, asks
// another host, or scrolls sideways. audit() adds what axe-core finds.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } };
export const NARROW = { width: 320, height: 700 };

export class Browser {
    constructor(base) {
        this.base = base;
        this.faults = [];
    }

    async start() {
        this.browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: QUIET });
        return this;
    }

    stop() {
        return this.browser.close();
    }

    // A page of somebody: with a session's cookie, or signed out.
    async page(viewport, scheme, cookie) {
        const context = await this.browser.newContext({ viewport, colorScheme: scheme, reducedMotion: "reduce" });
        if (cookie) {
            const [name, value] = cookie.split("=");
            await context.addCookies([{ name, value, url: this.base }]);
        }
        const page = await context.newPage();
        await page.addInitScript(() => {
            window.violations = [];
            addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
        });
        page.on("console", (message) => message.type() === "error" && this.fault(page, "console: " + message.text()));
        page.on("pageerror", (error) => this.fault(page, "error: " + error.message));
        page.on("request", (request) => {
            if (!request.url().startsWith(this.base) && !request.url().startsWith("data:")) {
                this.fault(page, "asks another host: " + request.url());
            }
        });
        return page;
    }

    fault(page, words) {
        if (!page.expects || !page.expects.test(words)) {
            this.faults.push(`${new URL(page.url()).pathname}: ${words}`);
        }
    }

    async audit(page, name) {
        for (const directive of await page.evaluate(() => window.violations)) {
            this.fault(page, "policy: " + directive);
        }
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) {
            this.fault(page, `scrolls sideways by ${wide} (${name})`);
        }
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => window.axe.run());
        for (const { id, nodes } of violations) {
            this.fault(page, `axe ${id} (${name}): ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary || ""}`);
        }
    }
}

// What a view shows when it has been read.
export async function ready(page) {
    await page.waitForSelector("main h1, main [role=alert], main .empty");
    await page.waitForFunction(() => !document.querySelector(".skeleton"));
}
