/* local.js - usher for development: a table instead of a network.
 *
 *   createAccess({ local: { "ada@example.com": { access: true, features: ["member"] } } })
 *   USHER_LOCAL='ada@example.com=member,vip; bob@example.com='      bob: known, no access
 *
 * Promise  Never with NODE_ENV=production: it would let in whoever the table says. */
import { noAccess, readWho } from "./answer.js";

/** @param {string} text of USHER_LOCAL: people apart by ";", features by "," */
export function readLocal(text) {
    const people = text.split(";").map((part) => part.trim()).filter((part) => part !== "");
    return Object.fromEntries(people.map((person) => {
        const [name, list = ""] = person.split("=", 2).map((part) => part.trim());
        const features = list.split(",").map((feature) => feature.trim()).filter(Boolean);
        return [name, { access: features.length > 0, features }];
    }));
}

/**
 * @param {Record<string, Partial<import("../index.js").Access>>} table
 * @param {string|undefined} mode NODE_ENV
 * @returns {(who: string) => import("../index.js").Access|undefined}
 */
export function localTable(table, mode) {
    if (mode === "production") {
        throw new Error("usher-access: local mode (USHER_LOCAL or `local`) is for development, " +
            "and NODE_ENV is production");
    }
    const people = new Map(Object.entries(table).map(([name, access]) => [readWho(name), {
        ...noAccess(), member: `local:${name}`, version: 1, reason: "local mode",
        state: access.access ? "active" : "none", ...access,
    }]));
    return (who) => people.get(who);
}
