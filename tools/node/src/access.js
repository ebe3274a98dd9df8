/* access.js - who has access: what was pushed and pulled, and what to do without either.
 *
 * Use      createAccess() once, then get() or requireAccess() wherever data is read, handlePush()
 *          as the handler that usher pushes to, verifyToken() where there is no time to ask.
 * Promise  Who is let in is decided by failSafe() alone. A version only grows: what is older than
 *          what is known is dropped, so a push that is late or comes twice changes nothing.
 *          One question per person at a time; none within ttlSeconds of an answer. */
import { noAccess, parseAccess, readWho } from "./answer.js";
import { ask, checkBaseUrl } from "./ask.js";
import { readBody } from "./bytes.js";
import { failSafe, knowledge } from "./fail_safe.js";
import { DEFAULTS, LIMITS } from "./limits.js";
import { localTable, readLocal } from "./local.js";
import { PushError, verifyPush } from "./push.js";
import { sharedStore } from "./store.js";
import { keySet, TokenError, verifyToken } from "./token.js";

/** @typedef {import("../index.js").Answer} Answer */
/** @typedef {import("../index.js").Entry} Entry */

/** No access: `reason` is a row of the fail-safe table, or "feature_missing". */
export class AccessDenied extends Error {
    /** @param {string} reason @param {Answer} answer */
    constructor(reason, answer) {
        super(`no access: ${reason}`);
        this.name = "AccessDenied";
        this.reason = reason;
        this.answer = answer;
    }
}

const METHODS = ["get", "requireAccess", "token", "verifyToken", "handlePush"];

/**
 * @param {import("../index.js").AccessOptions} [options]
 * @returns {import("../index.js").UsherAccess}
 */
export function createAccess(options = {}) {
    const env = globalThis.process?.env ?? {};
    const local = options.local ??
        (env.USHER_LOCAL === undefined ? null : readLocal(env.USHER_LOCAL));
    const settings = readSettings(options, env);
    const access = local
        ? new LocalAccess(localTable(local, env.NODE_ENV))
        : new Access(settings);
    // Bound, so that `export const POST = usher.handlePush` works.
    return Object.fromEntries(METHODS.map((name) => [name, access[name].bind(access)]));
}

function readSettings(options, env) {
    const baseUrl = options.baseUrl ?? env.USHER_URL;
    return {
        ...DEFAULTS,
        ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
        baseUrl: baseUrl ? checkBaseUrl(baseUrl, options.allowHttp === true) : "",
        apiKey: options.apiKey ?? env.USHER_KEY ?? "",
        pushSecret: options.pushSecret ?? env.USHER_PUSH_SECRET ?? "",
        fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
        now: options.now ?? Date.now,
        onError: options.onError ?? ((error) => console.error(error.message)),
    };
}

/** What both modes have in common. */
class Guard {
    /** @param {string} who @param {{fresh?: boolean, feature?: string}} [wish] */
    async requireAccess(who, { fresh = false, feature } = {}) {
        const answer = await this.get(who, { fresh });
        if (!answer.access) {
            throw new AccessDenied(answer.decided, answer);
        }
        if (feature !== undefined && !answer.features.includes(feature)) {
            throw new AccessDenied("feature_missing", answer);
        }
        return answer;
    }
}

const say = (status, code, detail) => Response.json({ code, detail }, { status });

class LocalAccess extends Guard {
    #find;

    constructor(find) {
        super();
        this.#find = find;
    }

    async get(who) {
        const access = this.#find(readWho(who) ?? "");
        const known = access?.access ? "on" : "off";
        const row = failSafe({ heard: access ? "fresh" : "unknown", known, must: "any" });
        return toAnswer(row, access);
    }

    async token() {
        return null;
    }

    async verifyToken() {
        throw new TokenError("token_local");
    }

    async handlePush() {
        return say(404, "local", "local mode takes no pushes");
    }
}

/** @returns {Answer} */
function toAnswer(row, access) {
    return { ...(access ?? noAccess()), access: row.allow, stale: row.stale, decided: row.id };
}

class Access extends Guard {
    #settings;
    #store;
    #keys;
    #asking = new Map(); // name -> the question under way
    #quietUntil = 0; // usher was silent: whoever is known is answered from memory until then
    #loudAt = new Map();

    constructor(settings) {
        super();
        this.#settings = settings;
        this.#store = settings.store ?? sharedStore(settings.baseUrl, settings);
        this.#keys = keySet(() => this.#ask("keys"), settings);
    }

    /** @param {string} who @param {{fresh?: boolean}} [wish] @returns {Promise<Answer>} */
    async get(who, { fresh = false } = {}) {
        const name = readWho(who);
        if (name === null) {
            return this.#decide("unknown", undefined, "any");
        }
        const { entry, checkedAt } = await this.#recall(name);
        if (!fresh && entry && this.#isFresh(entry, checkedAt)) {
            return this.#decide("fresh", entry, "any");
        }
        if (!fresh && entry && this.#settings.now() < this.#quietUntil) {
            return this.#decide("nothing", entry, "any");
        }
        const told = await (fresh ? this.#pull(name, entry) : this.#pullOnce(name, entry));
        return this.#decide(told.heard, told.entry, fresh ? "fresh" : "any");
    }

    /**
     * A token to hand to a place that cannot ask, such as an edge function.
     * @param {string} who @returns {Promise<string|null>} null: usher gave none
     */
    async token(who) {
        const name = readWho(who);
        const told = name === null ? null : await this.#pull(name, undefined);
        return told?.heard === "fresh" && typeof told.token === "string" ? told.token : null;
    }

    /** @param {string} token @returns {Promise<Answer & {exp: number}>} or throws TokenError */
    async verifyToken(token) {
        const { now } = this.#settings;
        try {
            const { access, exp } = await verifyToken(token, this.#keys, now());
            const known = (await this.#remember("getMember", access.member))?.access;
            const newest = known && known.version > access.version ? known : access;
            const word = newest.access ? "on" : "off";
            const row = failSafe({ heard: "token", known: word, must: "any" });
            return { ...toAnswer(row, newest), exp };
        } catch (error) {
            error.decided = failSafe({ heard: "token", known: "none", must: "any" }).id;
            throw error;
        }
    }

    /**
     * The handler for usher's pushes: a Request in, a Response out. 200: taken, or nothing new.
     * 401: not signed with our secret (usher's queue waits for a person). 400: no use in trying
     * again. 500: try again.
     * @param {Request} request @returns {Promise<Response>}
     */
    async handlePush(request) {
        try {
            if (request.method !== "POST") {
                return say(405, "method", "usher pushes with POST");
            }
            const access = await this.#readPush(request);
            const taken = await this.#take(access);
            return Response.json({ taken });
        } catch (error) {
            if (!(error instanceof PushError)) {
                this.#complain("push", `a push could not be kept: ${error.message}`);
                return say(500, "store", "could not be kept");
            }
            if (error.status !== 200) {
                this.#complain(error.code, `a push was refused: ${error.message}`);
            }
            return say(error.status, error.code, error.message);
        }
    }

    async #readPush(request) {
        const { pushSecret, toleranceSeconds, now } = this.#settings;
        const body = await readBody(request, LIMITS.bodyBytesMax).catch(() => {
            throw new PushError("body_bad");
        });
        if (!body) {
            throw new PushError("body_big");
        }
        const { headers } = request;
        return verifyPush({ headers, body, secrets: pushSecret, toleranceSeconds, now: now() });
    }

    /** The version is what makes a push harmless the second time; its webhook-id stands for it. */
    async #take(access) {
        const before = await this.#store.getMember(access.member);
        if (before && before.access.version >= access.version) {
            return false;
        }
        const entry = { access, checkedAt: this.#settings.now(), etag: null };
        return this.#store.putMember(access.member, entry);
    }

    #pullOnce(name, entry) {
        if (!this.#asking.has(name)) {
            const told = this.#pull(name, entry).finally(() => this.#asking.delete(name));
            this.#asking.set(name, told);
        }
        return this.#asking.get(name);
    }

    /** Asks usher, and keeps the answer. @param {string} name @param {Entry|undefined} entry */
    async #pull(name, entry) {
        const { heard, body, etag } = await this.#ask(encodeURIComponent(name), entry?.etag);
        const same = heard === "same" && entry;
        if (heard !== "fresh" && !same) {
            return { heard: heard === "same" ? "nothing" : heard, entry };
        }
        const access = same ? entry.access : parseAccess(body);
        if (!access) {
            return { heard: "nothing", entry };
        }
        const checkedAt = this.#settings.now();
        const told = { access, checkedAt, etag: same ? entry.etag : etag };
        await this.#remember("putMember", access.member, told);
        if (access.member !== name) {
            await this.#remember("putName", name, { member: access.member, checkedAt });
        }
        // A push may have been faster than this answer.
        const kept = await this.#remember("getMember", access.member);
        const newest = kept && kept.access.version > access.version ? kept : told;
        return { heard: "fresh", entry: newest, token: body?.token };
    }

    async #ask(path, etag) {
        const { baseUrl, apiKey, now, retrySeconds } = this.#settings;
        if (!baseUrl || !apiKey) {
            // Not in createAccess(): a build may import the app's files without its environment.
            throw new Error("usher-access: baseUrl and apiKey (USHER_URL, USHER_KEY) are not set");
        }
        const told = await ask(this.#settings, `/api/v1/access/${path}`, etag);
        this.#quietUntil = told.heard === "nothing" ? now() + retrySeconds * 1000 : 0;
        return told;
    }

    async #recall(name) {
        const alias = await this.#remember("getName", name);
        const entry = await this.#remember("getMember", alias?.member ?? name);
        return { entry, checkedAt: (alias ?? entry)?.checkedAt ?? 0 };
    }

    /** The store's word; one that fails is as good as empty, and usher is asked. */
    async #remember(method, ...rest) {
        try {
            return (await this.#store[method](...rest)) ?? undefined;
        } catch (error) {
            this.#complain("store", `the store failed: ${error.message}`);
            return undefined;
        }
    }

    #isFresh({ access }, checkedAt) {
        const now = this.#settings.now();
        const until = access.access && access.until !== null ? Date.parse(access.until) : Infinity;
        const isOver = checkedAt < until && now >= until; // since it was asked for: was it renewed?
        return now - checkedAt < this.#settings.ttlSeconds * 1000 && !isOver;
    }

    #decide(heard, entry, must) {
        const known = heard === "fresh"
            ? entry.access.access ? "on" : "off"
            : knowledge(entry, this.#settings.now(), this.#settings);
        const row = failSafe({ heard, known, must });
        if (row.loud) {
            this.#complain(row.id, row.when);
        }
        return toAnswer(row, heard === "unknown" ? undefined : entry?.access);
    }

    #complain(code, text) {
        const now = this.#settings.now();
        if (now - (this.#loudAt.get(code) ?? -Infinity) < LIMITS.loudSeconds * 1000) {
            return;
        }
        this.#loudAt.set(code, now);
        const error = new Error(`usher-access: ${text}`);
        this.#settings.onError(Object.assign(error, { code }));
    }
}
