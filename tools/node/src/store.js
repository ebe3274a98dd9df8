/* store.js - what is known of members, in memory.
 *
 * Use      memoryStore(); an app with several processes gives one of its own (see index.d.ts), on
 *          Redis or a table, so that a push to one process is known to all.
 * Promise  A version only grows: an older one is not taken. An equal one only renews checkedAt.
 *          Never more than membersMax members and names; the one unused longest goes first. */

class Recent {
    #map = new Map();
    #max;

    constructor(max) {
        this.#max = max;
    }

    get(key) {
        const value = this.#map.get(key);
        if (value !== undefined) {
            this.#map.delete(key); // a Map keeps the order of insertion: to the end with it
            this.#map.set(key, value);
        }
        return value;
    }

    set(key, value) {
        this.#map.delete(key);
        this.#map.set(key, value);
        if (this.#map.size > this.#max) {
            this.#map.delete(this.#map.keys().next().value);
        }
    }
}

/** @param {{membersMax?: number}} [options] @returns {import("../index.js").AccessStore} */
export function memoryStore({ membersMax = 10000 } = {}) {
    const members = new Recent(membersMax);
    const names = new Recent(membersMax);
    return {
        getMember: (member) => members.get(member),
        putMember(member, entry) {
            const before = members.get(member);
            if (before && before.access.version > entry.access.version) {
                return false;
            }
            members.set(member, entry);
            return !before || before.access.version < entry.access.version;
        },
        getName: (name) => names.get(name),
        putName: (name, entry) => names.set(name, entry),
    };
}

/** A bundler may load this package twice in one process: both share what is known. */
export function sharedStore(key, options) {
    const symbol = Symbol.for(`usher-access.store.${key}`);
    globalThis[symbol] ??= memoryStore(options);
    return globalThis[symbol];
}
