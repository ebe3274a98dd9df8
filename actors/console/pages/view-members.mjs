import { useEffect, useRef, useState } from "./hooks.mjs";
import { useNews, useRead } from "./api.mjs";
import { Act, Ago, Empty, Facts, html, Lines, Link, Loaded, path, post, State } from "./ui.mjs";
import { More, usePages } from "./view-jobs.mjs";
import { count, day, LANES, STATES } from "./words.mjs";

const MEMBER_STATES = ["", "active", "trialing", "ending", "paused", "revoked", "ended", "none"];
const TYPING_MS = 200;

function search(query, name, value) {
    const next = new URLSearchParams(query);
    value ? next.set(name, value) : next.delete(name);
    history.replaceState(null, "", "/members" + (next.size ? "?" + next : ""));
    dispatchEvent(new PopStateEvent("popstate"));
}

export function Members({ query }) {
    const wanted = new URLSearchParams(query);
    const timer = useRef(0);
    useEffect(() => () => clearTimeout(timer.current), []); // whoever left is not called back
    const { from, rows, more } = usePages("members" + (query ? "?" + query : ""), "members");
    const type = (event) => {
        const value = event.target.value;
        clearTimeout(timer.current);
        timer.current = setTimeout(() => search(location.search, "q", value), TYPING_MS);
    };
    return html`<h1>Members</h1>
        <div class="filters">
            <label class="grow">Find<input type="search" name="q" placeholder="Name, address or any id" defaultValue=${wanted.get("q") || ""} onInput=${type} /></label>
            <label>State<select value=${wanted.get("state") || ""} onChange=${(event) => search(query, "state", event.target.value)}>
                ${MEMBER_STATES.map((word) => html`<option value=${word}>${word ? STATES[word][0] : "All"}</option>`)}</select></label>
            <label>Access<select value=${wanted.get("access") || ""} onChange=${(event) => search(query, "access", event.target.value)}>
                <option value="">All</option><option value="true">On</option><option value="false">Off</option></select></label>
        </div>
        <${Loaded} from=${from}>${(page) => rows.length
            ? html`${page.total !== null && html`<p class="quiet">${count(page.total, "member")}</p>`}
                <ul class="rows">${rows.map((member) => html`<li key=${member.id}><${Link} class="row" href=${path("members", member.id)}>
                    <span class="grow"><strong>${member.name || member.email || member.id}</strong><span>${member.email}</span></span>
                    ${member.last_payment && html`<span class="paid">${member.last_payment.text}<span class="meta">${day(member.last_payment_at)}</span></span>`}
                    <${State} word=${member.state} /><//></li>`)}</ul><${More} load=${more} />`
            : query
              ? html`<${Empty} title="Nobody found"><p>Try the beginning of a name, an address, or an id of the provider.</p><//>`
              : html`<${Empty} title="No members yet"><p>Whoever pays shows up here.</p><${Link} class="button main" href="/start">First steps<//><//>`}<//>`;
}

// --- one -----------------------------------------------------------------------------------------

function Lane({ name, lane }) {
    return html`<div class="lane-card"><dt>${name}</dt><dd><${State} word=${lane.state} />
        ${lane.at && html`<span class="meta"><${Ago} time=${lane.at} />${lane.attempts > 1 && `, ${lane.attempts} attempts`}</span>`}
        ${lane.error && html`<span class="answer">${lane.error}</span>`}</dd></div>`;
}

function Acts({ me, member, mail, again }) {
    const where = "members/" + encodeURIComponent(member.id);
    const may = (right) => me.rights.includes(right);
    const days = [{ name: "days", label: "For how many days", kind: "number", value: "30", required: true, min: 1, max: 3660 }];
    const grant = (values) => post(where + "/grant")({ reason: values.reason, days: Number(values.days) });
    const resendable = mail.key && ["sent", "dead", "uncertain", "skipped", "suppressed"].includes(mail.state);
    return html`<div class="buttons">
        <${Act} label="Note" may=${may("NOTE")} reason=${false} fields=${[{ name: "text", label: "What should the team know?", required: true }]} run=${post(where + "/note")} done=${again} button="Keep it" />
        <${Act} label="Grant access" may=${may("ACCESS")} fields=${days} run=${grant} done=${again} button="Grant" text="Access without paying, until then." />
        ${member.rule === "granted or revoked by a person" && !member.access
            ? html`<${Act} label="Take revocation back" may=${may("ACCESS")} run=${post(where + "/unrevoke")} done=${again} button="Take it back" />`
            : html`<${Act} label="Revoke access" tone="danger" danger may=${may("ACCESS")} run=${post(where + "/revoke")} done=${again} button="Revoke" text="No access, whatever is paid, until it is taken back." />`}
        <${Act} label="Send to CRM again" may=${may("OPERATE")} run=${post(where + "/resync")} done=${again} button="Send" />
        ${resendable && html`<${Act} label="Send the last mail again" may=${may("OPERATE")} run=${post(where + "/resend", { key: mail.key })} done=${again} button="Send" text="Once more, as a new mail." />`}
    </div>`;
}

const MEMBER_LANES = ["money", "access", "tools", "mail"];

export function Member({ me, id }) {
    const where = "members/" + encodeURIComponent(id);
    const from = useRead(where);
    const [lane, setLane] = useState("");
    const [news, clear] = useNews((line) => line.member === id);
    useEffect(() => {
        if (news > 0) {
            clear();
            from.again();
        }
    }, [news]);
    return html`<${Loaded} from=${from} title="Member">${(whole) => {
        const { member } = whole;
        const lines = lane ? whole.timeline.filter((line) => line.lane === lane) : whole.timeline;
        return html`
        <p class="crumb"><${Link} href="/members">Members<//></p>
        <header class="person">
            <div class="grow"><h1>${member.name || member.email || member.id}</h1>${member.email && html`<p>${member.email}</p>`}</div>
            <${State} word=${member.state} />
        </header>
        <section class="verdict small ${member.access ? "green" : "yellow"}">
            <span class="mark" aria-hidden="true">${member.access ? "✓" : "–"}</span>
            <div><h2>${member.access ? "Has access" : "No access"}${member.access && member.until ? ` until ${day(member.until)}` : ""}</h2>
                <p>${member.reason}${member.rule && html` <span class="meta">(rule: ${member.rule})</span>`}</p></div>
        </section>
        ${whole.last_error && html`<p class="note bad"><strong>Last error:</strong> ${whole.last_error}</p>`}
        <dl class="lane-cards">
            <div class="lane-card"><dt>Last payment</dt><dd>${member.last_payment ? html`<strong>${member.last_payment.text}</strong><span class="meta">${day(member.last_payment_at)}</span>` : "none"}</dd></div>
            <${Lane} name="CRM" lane=${whole.crm} /><${Lane} name="Support" lane=${whole.support} />
            <${Lane} name="Mail" lane=${whole.mail} /><${Lane} name="Your app" lane=${whole.app} />
        </dl>
        <${Acts} me=${me} member=${member} mail=${whole.mail} again=${from.again} />
        <h2>What happened</h2>
        <div class="tabs" role="group" aria-label="Show">
            ${["", ...MEMBER_LANES].map((word) => html`<button type="button" aria-pressed=${lane === word} onClick=${() => setLane(word)}>${word ? LANES[word] : "Everything"}</button>`)}
        </div>
        ${lane
            ? html`<${Lines} lines=${lines} person=${false} empty="Nothing in this lane." />`
            : html`<div class="lanes">${MEMBER_LANES.map((word) => html`<h3 class="lane-head lane-${word}">${LANES[word]}</h3>`)}
                <${Timeline} lines=${lines} /></div>`}
        ${whole.timeline_next && html`<${Link} class="button" href=${"/events"}>Older events<//>`}
        <h2>Known as</h2>
        <${Facts} rows=${[
            ["Member", html`<code>${member.id}</code>`],
            member.app_user && ["In your app", html`<code>${member.app_user}</code>`],
            member.customers && member.customers.length > 0 && ["At the provider", member.customers.map((each) => html`<code>${each}</code> `)],
            member.aliases && member.aliases.length > 1 && ["Also", member.aliases.filter((each) => each !== member.id).map((each) => html`<code>${each}</code> `)],
            member.suggestions && member.suggestions.length > 0 && ["Perhaps the same person", member.suggestions.map((each) => html`<${Link} href=${path("members", each)}>${each}<//> `)],
        ]} />`;
    }}<//>`;
}

// Each line in its lane's column; on a phone one column, with the lane's name.
function Timeline({ lines }) {
    return lines.length ? html`<${Lines} lines=${lines} person=${false} />` : html`<p class="quiet">Nothing yet.</p>`;
}
