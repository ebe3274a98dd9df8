/* ask.js - one question to usher over HTTP.
 *
 * Promise  Answers within timeoutMs, follows no redirect, reads a bounded body, never throws: what
 *          was heard is one of the words of fail_safe.js, or "same" (304). The key goes in the
 *          Authorization header, over https or to this machine only. */
import { fromUtf8, parseJson, readBody } from "./bytes.js";
import { LIMITS } from "./limits.js";

const LOOPBACK = /^(localhost|127(\.[0-9]+){3}|\[::1\])$/;

/** Without a slash at its end. @param {string} baseUrl @param {boolean} allowHttp */
export function checkBaseUrl(baseUrl, allowHttp) {
    let url;
    try {
        url = new URL(baseUrl);
    } catch {
        throw new TypeError(`usher's address is no URL: ${baseUrl}`);
    }
    const safe = url.protocol === "https:" ||
        (url.protocol === "http:" && (allowHttp || LOOPBACK.test(url.hostname)));
    if (!safe || url.username || url.password || url.search || url.hash) {
        throw new TypeError(`usher's address must be https://host (http only on this machine, or ` +
            `with allowHttp), without user, query and fragment: ${url.origin}`);
    }
    return url.href.replace(/\/+$/, "");
}

function heardOf(status) {
    if (status === 304) {
        return "same";
    }
    if (status === 404) {
        return "unknown";
    }
    if (status === 401 || status === 403) {
        return "key";
    }
    const isFinal = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
    return isFinal ? "refused" : "nothing";
}

/**
 * @param {{baseUrl: string, apiKey: string, timeoutMs: number, fetch: typeof fetch}} usher
 * @param {string} path @param {string|null} [known] the ETag of what is known
 * @returns {Promise<{heard: string, body?: any, etag?: string|null}>}
 */
export async function ask(usher, path, known) {
    const headers = { accept: "application/json", authorization: `Bearer ${usher.apiKey}` };
    if (known) {
        headers["if-none-match"] = known;
    }
    try {
        const answer = await usher.fetch(usher.baseUrl + path, {
            headers,
            redirect: "manual",
            cache: "no-store",
            signal: AbortSignal.timeout(usher.timeoutMs),
        });
        if (answer.status !== 200) {
            answer.body?.cancel().catch(() => {});
            return { heard: heardOf(answer.status) };
        }
        const bytes = await readBody(answer, LIMITS.bodyBytesMax);
        const body = bytes && parseJson(fromUtf8(bytes));
        const etag = answer.headers.get("etag");
        return body ? { heard: "fresh", body, etag } : { heard: "nothing" };
    } catch {
        return { heard: "nothing" };
    }
}
