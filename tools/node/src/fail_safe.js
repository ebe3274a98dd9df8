/* fail_safe.js - who is let in when things are not as they should be: the one place.
 *
 * Code, tests and the README's table follow the rows. From the first row that fits; what fits none
 * is denied.
 *
 *   heard   what was heard of usher just now:
 *           fresh     it answered or pushed, not longer ago than ttlSeconds
 *           nothing   no answer, a late one, 5xx, 408, 425, 429, a redirect, or no sense in it
 *           unknown   404: nobody of that name
 *           key       401 or 403: our key is refused
 *           refused   another 4xx
 *           token     a token was checked here, without asking
 *   known   what is known of the member:
 *           on, off   the last answer, or the token
 *           ended     on, but its `until` is over, and graceSeconds too
 *           old       nothing newer than maxStaleSeconds
 *           none      nothing; of a token: it does not hold
 *   must    fresh     the caller wants nothing older than now ({fresh: true})
 *
 *   allow   let in?
 *   stale   said in the answer
 *   loud    told to onError: it needs a person */

/** @typedef {{heard: string, known: string, must: string}} Situation */

const ANY = "*";

const row = (id, heard, known, must, allow, stale, loud, when) =>
    Object.freeze({ id, heard, known, must, allow, stale, loud, when });

export const FAIL_SAFE = Object.freeze([
    //  id             heard      known    must     allow  stale  loud   when
    row("on",          "fresh",   "on",    ANY,     true,  false, false, "usher says: access"),
    row("off",         "fresh",   "off",   ANY,     false, false, false, "usher says: no access"),
    row("stranger",    "unknown", ANY,     ANY,     false, false, false, "usher knows nobody of that name (404)"),
    row("key_refused", "key",     ANY,     ANY,     false, false, true,  "usher refuses our key (401, 403)"),
    row("refused",     "refused", ANY,     ANY,     false, false, true,  "usher refuses the question (another 4xx)"),
    row("no_answer",   "nothing", ANY,     "fresh", false, true,  false, "usher does not answer, and the caller asked for nothing older"),
    row("stale_on",    "nothing", "on",    ANY,     true,  true,  false, "usher does not answer; the last answer was access"),
    row("stale_off",   "nothing", "off",   ANY,     false, true,  false, "usher does not answer; the last answer was no access"),
    row("ended",       "nothing", "ended", ANY,     false, true,  false, "usher does not answer; the last answer was access until a time that is over, with graceSeconds on top"),
    row("too_old",     "nothing", "old",   ANY,     false, true,  true,  "usher does not answer; the last answer is older than maxStaleSeconds"),
    row("unheard",     "nothing", "none",  ANY,     false, false, false, "usher does not answer; this person was never asked for"),
    row("token_on",    "token",   "on",    ANY,     true,  false, false, "a valid token says: access; until it expires"),
    row("token_off",   "token",   "off",   ANY,     false, false, false, "a valid token says: no access, or a newer answer is known that does"),
    row("token_bad",   "token",   "none",  ANY,     false, false, false, "the token is expired, forged, or of an unknown key"),
]);

const OTHERWISE = row("otherwise", ANY, ANY, ANY, false, false, true, "anything else");

/** @param {Situation} situation */
export function failSafe(situation) {
    const fits = (row) => ["heard", "known", "must"]
        .every((field) => row[field] === ANY || row[field] === situation[field]);
    return FAIL_SAFE.find(fits) ?? OTHERWISE;
}

/**
 * What is known of a member, in the words of the table.
 * @param {import("../index.js").Entry|undefined} entry
 * @param {number} now in ms
 * @param {{maxStaleSeconds: number, graceSeconds: number}} limits
 */
export function knowledge(entry, now, { maxStaleSeconds, graceSeconds }) {
    if (!entry) {
        return "none";
    }
    if (now - entry.checkedAt >= maxStaleSeconds * 1000) {
        return "old";
    }
    const { access, until } = entry.access;
    if (access && until !== null && now >= Date.parse(until) + graceSeconds * 1000) {
        return "ended";
    }
    return access ? "on" : "off";
}

/** The table as the README prints it. */
export function failSafeText() {
    const yes = (flag) => (flag ? "yes" : "");
    const line = ({ id, when, allow, stale, loud }) =>
        `| \`${id}\` | ${when} | ${allow ? "**allow**" : "deny"} | ${yes(stale)} | ${yes(loud)} |`;
    const head = ["| `decided` | When | Then | Stale | Loud |", "|---|---|---|---|---|"];
    return [...head, ...[...FAIL_SAFE, OTHERWISE].map(line)].join("\n");
}
