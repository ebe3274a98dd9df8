// words.mjs - times and numbers as people say them.

const UNITS = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
];

export function age(seconds) {
    for (const [unit, size] of UNITS) {
        if (seconds >= size) {
            const count = Math.floor(seconds / size);
            return `${count} ${unit}${count === 1 ? "" : "s"}`;
        }
    }
    return `${Math.max(0, Math.floor(seconds))} s`;
}

export function ago(time, now = Date.now()) {
    const seconds = (now - Date.parse(time)) / 1000;
    return seconds < 5 ? "just now" : seconds < 0 ? `in ${age(-seconds)}` : `${age(seconds)} ago`;
}

export function until(time, now = Date.now()) {
    const seconds = (Date.parse(time) - now) / 1000;
    return seconds <= 0 ? "now" : `in ${age(seconds)}`;
}

export function clock(time) {
    return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function day(time) {
    return new Date(time).toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
}

export function full(time) {
    return new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

export function bytes(count) {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let at = 0;
    while (count >= 1000 && at < units.length - 1) {
        count /= 1000;
        at++;
    }
    return `${at && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[at]}`;
}

export function count(number, one, many = one + "s") {
    return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

export const STATES = {
    active: ["Active", "ok"],
    trialing: ["On trial", "ok"],
    ending: ["Ending", "warn"],
    paused: ["Paused", "warn"],
    revoked: ["Revoked", "bad"],
    ended: ["Ended", "idle"],
    none: ["Never paid", "idle"],
    done: ["Done", "ok"],
    synced: ["In step", "ok"],
    sent: ["Sent", "ok"],
    waiting: ["Waiting", "warn"],
    settling: ["Settling", "warn"],
    sending: ["On its way", "warn"],
    committing: ["On its way", "warn"],
    dead: ["Needs you", "bad"],
    uncertain: ["Uncertain", "bad"],
    superseded: ["Not needed", "idle"],
    skipped: ["Skipped", "idle"],
    suppressed: ["No mail goes there", "bad"],
    unknown: ["Not known", "idle"],
    up: ["Running", "ok"],
    lagging: ["Behind", "warn"],
    missing: ["Not there", "bad"],
    fine: ["Fine", "ok"],
    down: ["Does not answer", "warn"],
    refused: ["Refuses our key", "bad"],
    raised: ["Raised", "bad"],
    cleared: ["Over", "ok"],
};

export const LANES = {
    money: "Money",
    access: "Access",
    tools: "CRM and support",
    mail: "Mail",
    admin: "Team",
    alert: "Alerts",
    system: "System",
};
