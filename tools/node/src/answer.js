/* answer.js - the one answer object, and how it is taken from outside bytes.
 *
 * Access   {member, version, access, until, reason, features, state, asOf}, as usher sends it.
 * Answer   Access with {stale, decided}: what get() gives, whole for strangers too.
 * Promise  What is not an Access in every field is null. Fields nobody knows are left out. */
import { LIMITS } from "./limits.js";

/** @typedef {import("../index.js").Access} Access */
/** @typedef {import("../index.js").Answer} Answer */

const isText = (value) => typeof value === "string" && value.length <= 4096;
const isTime = (value) => value === null || (isText(value) && !Number.isNaN(Date.parse(value)));
const isName = (value) => isText(value) && value !== "" && value.length <= LIMITS.idBytesMax;

/** @param {any} value @returns {Access|null} */
export function parseAccess(value) {
    if (
        typeof value !== "object" || value === null || Array.isArray(value) ||
        !isName(value.member) ||
        !Number.isSafeInteger(value.version) || value.version < 0 ||
        typeof value.access !== "boolean" ||
        !isTime(value.until) ||
        !isText(value.reason) ||
        !Array.isArray(value.features) || value.features.length > LIMITS.featuresMax ||
        !value.features.every(isText) ||
        !isText(value.state) ||
        !isTime(value.asOf)
    ) {
        return null;
    }
    const { member, version, access, until, reason, features, state, asOf } = value;
    return { member, version, access, until, reason, features: [...features], state, asOf };
}

/** Of nobody: the shape that get() gives when there is no Access to give. @returns {Access} */
export function noAccess() {
    return {
        member: null, version: 0, access: false, until: null, reason: "", features: [],
        state: "unknown", asOf: null,
    };
}

/**
 * How a person may be named: a member id, an address, an id at a provider. Addresses are compared
 * without case. "keys" and dots would be other places of usher's.
 * @param {any} who @returns {string|null}
 */
export function readWho(who) {
    if (typeof who !== "string") {
        return null;
    }
    const name = who.trim();
    const usable = name !== "" && name.length <= LIMITS.whoCharsMax &&
        !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(name) &&
        ![".", "..", "keys"].includes(name);
    if (!usable) {
        return null;
    }
    return name.includes("@") ? name.toLowerCase() : name;
}
