/* token.js - usher's tokens: who has access, signed with Ed25519, good for minutes.
 *
 * Use      keySet() once, verifyToken() as often as wanted: no network but for new keys.
 * Promise  The algorithm is EdDSA whatever the header says. A key id that is not known leads to one
 *          look at usher's keys a minute at most. Clocks may differ by 60 s. A token's access
 *          object is its subject's.
 * Faults   TokenError with a code. */
import { parseAccess } from "./answer.js";
import { fromBase64Url, fromUtf8, parseJson, subtle, utf8 } from "./bytes.js";
import { LIMITS } from "./limits.js";

export const TOKEN_FAULTS = Object.freeze({
    token_bad: "not a token of usher's shape",
    token_algorithm: "signed with something else than EdDSA",
    token_key: "signed with a key that usher does not have",
    token_keys_unheard: "usher's keys are not known, and usher does not answer",
    token_signature: "the signature does not fit",
    token_expired: "expired",
    token_early: "issued in the future: a clock is wrong",
    token_claims: "not issued by usher, or its claims do not fit together",
    token_local: "there are no tokens in local mode",
});

export class TokenError extends Error {
    /** @param {string} code */
    constructor(code) {
        super(TOKEN_FAULTS[code]);
        this.name = "TokenError";
        this.code = code;
    }
}

const fail = (code) => {
    throw new TokenError(code);
};

const ED25519 = { name: "Ed25519" };

async function importKeys(body) {
    const crypto = await subtle();
    const keys = new Map();
    for (const { kty, crv, x, kid, alg, use } of body.keys.slice(0, LIMITS.keysMax)) {
        const usable = kty === "OKP" && crv === "Ed25519" && typeof x === "string" &&
            typeof kid === "string" && (alg ?? "EdDSA") === "EdDSA" && (use ?? "sig") === "sig" &&
            fromBase64Url(x)?.length === 32;
        if (usable) {
            const jwk = { kty, crv, x };
            keys.set(kid, await crypto.importKey("jwk", jwk, ED25519, false, ["verify"]));
        }
    }
    return keys;
}

/**
 * @param {() => Promise<{heard: string, body?: any}>} look asks usher for its keys
 * @param {{now: () => number, maxStaleSeconds: number}} options
 */
export function keySet(look, { now, maxStaleSeconds }) {
    let keys = new Map();
    let lookedAt = -Infinity;
    let heardAt = -Infinity;
    /** @type {Promise<void>|null} */
    let looking = null;

    const since = (time) => (now() - time) / 1000;

    async function refresh() {
        lookedAt = now();
        const { heard, body } = await look();
        if (heard === "fresh" && Array.isArray(body?.keys)) {
            keys = await importKeys(body).catch(() => keys);
            heardAt = now();
        }
    }

    return {
        /** @param {string} kid @returns {Promise<CryptoKey>} */
        async find(kid) {
            const wanted = !keys.has(kid) || since(heardAt) >= LIMITS.keysAgeSeconds;
            if (wanted && (looking || since(lookedAt) >= LIMITS.keysRefreshSeconds)) {
                looking ??= refresh().finally(() => {
                    looking = null;
                });
                await looking;
            }
            if (since(heardAt) >= maxStaleSeconds) {
                fail("token_keys_unheard");
            }
            return keys.get(kid) ?? fail("token_key");
        },
    };
}

/** @param {any} token */
function readToken(token) {
    if (typeof token !== "string" || token.length > LIMITS.tokenBytesMax) {
        fail("token_bad");
    }
    const parts = token.split(".");
    const [head, claims, signature] = parts.map(fromBase64Url);
    if (parts.length !== 3 || !head || !claims || signature?.length !== 64) {
        // Without a signature ("alg":"none") or with one of another kind: said by its right name.
        const named = head && parseJson(fromUtf8(head))?.alg;
        fail(parts.length === 3 && named && named !== "EdDSA" ? "token_algorithm" : "token_bad");
    }
    const header = parseJson(fromUtf8(head));
    if (header?.alg !== "EdDSA") {
        fail("token_algorithm");
    }
    if (typeof header.kid !== "string" || header.crit !== undefined) {
        fail("token_bad");
    }
    return { header, claims: parseJson(fromUtf8(claims)), signature,
        signed: utf8(`${parts[0]}.${parts[1]}`) };
}

/**
 * @param {any} token @param {ReturnType<typeof keySet>} keys @param {number} now in ms
 * @returns {Promise<{access: import("../index.js").Access, iat: number, exp: number}>}
 */
export async function verifyToken(token, keys, now) {
    const { header, claims, signature, signed } = readToken(token);
    const key = await keys.find(header.kid);
    const crypto = await subtle();
    if (!(await crypto.verify(ED25519, key, signature, signed))) {
        fail("token_signature");
    }
    const access = parseAccess(claims?.access);
    const { iat, exp } = claims ?? {};
    const isTimed = Number.isSafeInteger(iat) && Number.isSafeInteger(exp) && iat <= exp;
    if (claims?.iss !== "usher" || !isTimed || !access || access.member !== claims.sub) {
        fail("token_claims");
    }
    if (now >= (exp + LIMITS.leewaySeconds) * 1000) {
        fail("token_expired");
    }
    if (now < (iat - LIMITS.leewaySeconds) * 1000) {
        fail("token_early");
    }
    return { access, iat, exp };
}
