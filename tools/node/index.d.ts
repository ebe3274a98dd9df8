/* index.d.ts - the types of usher-access. README.md is the manual. Times are RFC 3339 text. */

/** Who has access, as usher tells it: always whole. `version` only grows. */
export interface Access {
    member: string | null;
    version: number;
    access: boolean;
    until: string | null;
    reason: string;
    features: string[];
    state: string;
    asOf: string | null;
}

export type Decision =
    | "on" | "off" | "stranger" | "key_refused" | "refused" | "no_answer" | "stale_on" | "stale_off"
    | "ended" | "too_old" | "unheard" | "token_on" | "token_off" | "token_bad" | "otherwise";

/** `access` is the decision; `decided` is the row of the fail-safe table that made it. */
export interface Answer extends Access {
    stale: boolean;
    decided: Decision;
}

export interface Entry {
    access: Access;
    /** ms since 1970: when usher said so. */
    checkedAt: number;
    etag: string | null;
}

export interface NameEntry {
    member: string;
    checkedAt: number;
}

type Maybe<T> = T | null | undefined | Promise<T | null | undefined>;

/** A store of one's own, shared by several processes. Entries are plain JSON. */
export interface AccessStore {
    getMember(member: string): Maybe<Entry>;
    /** Keeps it unless a higher version is there (compare and write as one step).
     * True: it is newer than what was there. */
    putMember(member: string, entry: Entry): boolean | Promise<boolean>;
    getName(name: string): Maybe<NameEntry>;
    putName(name: string, entry: NameEntry): unknown;
}

export interface AccessOptions {
    /** Of usher's console, https. Default: USHER_URL. */
    baseUrl?: string;
    /** With the scope "access". Default: USHER_KEY. */
    apiKey?: string;
    /** whsec_..., or several. Default: USHER_PUSH_SECRET. */
    pushSecret?: string | string[];
    store?: AccessStore;
    /** Members of the store in memory. 10000. */
    membersMax?: number;
    /** An answer is as good as new for so long. 60. */
    ttlSeconds?: number;
    /** When usher cannot be asked, an older answer counts for nothing. 86400. */
    maxStaleSeconds?: number;
    /** When usher cannot be asked, access goes on for so long after `until`. 3600. */
    graceSeconds?: number;
    /** After silence, known members are answered from memory for so long. 5. */
    retrySeconds?: number;
    /** For one question. 2000. */
    timeoutMs?: number;
    /** How far a push's timestamp may be off, either way. 300. */
    toleranceSeconds?: number;
    /** Plain http to another machine, for a private network. */
    allowHttp?: boolean;
    /** People instead of a network, for development. Default: USHER_LOCAL. */
    local?: Record<string, Partial<Access>>;
    /** What a person has to see; the same one at most once a minute. Default: console.error. */
    onError?: (error: Error & { code: string }) => void;
    fetch?: typeof globalThis.fetch;
    /** ms since 1970. */
    now?: () => number;
}

export interface UsherAccess {
    /** Never throws for want of an answer: no answer is an answer, see `decided`. */
    get(who: string, wish?: { fresh?: boolean }): Promise<Answer>;
    /** @throws AccessDenied */
    requireAccess(who: string, wish?: { fresh?: boolean; feature?: string }): Promise<Answer>;
    /** A token of usher's for verifyToken() elsewhere; null if it gave none. */
    token(who: string): Promise<string | null>;
    /** @throws TokenError */
    verifyToken(token: string): Promise<Answer & { exp: number }>;
    handlePush(request: Request): Promise<Response>;
}

export function createAccess(options?: AccessOptions): UsherAccess;

export class AccessDenied extends Error {
    readonly reason: Decision | "feature_missing";
    readonly answer: Answer;
}

export interface PushInput {
    headers: Headers | Record<string, string | string[] | undefined>;
    /** The raw body, not parsed. */
    body: string | Uint8Array;
    secret?: string;
    secrets?: string | string[];
    toleranceSeconds?: number;
    /** ms since 1970. */
    now?: number;
}

/** @throws PushError */
export function verifyPush(push: PushInput): Promise<Access>;

/** For an app's own tests: the headers of a push. */
export function signPush(push: {
    id: string;
    body: string | Uint8Array;
    secret: string;
    now?: number;
}): Promise<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>>;

export const PUSH_FAULTS: Readonly<Record<string, readonly [status: number, text: string]>>;

export class PushError extends Error {
    readonly code: string;
    /** What to answer usher. */
    readonly status: number;
}

export const TOKEN_FAULTS: Readonly<Record<string, string>>;

export class TokenError extends Error {
    readonly code: string;
    readonly decided?: Decision;
}

export interface FailSafeRow {
    id: Decision;
    heard: string;
    known: string;
    must: string;
    allow: boolean;
    stale: boolean;
    loud: boolean;
    when: string;
}

export const FAIL_SAFE: readonly FailSafeRow[];
export function failSafe(situation: { heard: string; known: string; must: string }): FailSafeRow;
export function failSafeText(): string;

export function memoryStore(options?: { membersMax?: number }): AccessStore;
